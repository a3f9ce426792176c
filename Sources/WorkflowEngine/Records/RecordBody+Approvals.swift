package import WorkflowModel

/// The records of approvals.
extension RecordBody {
    package struct ApprovalRequested: Hashable, Sendable {
        package var id: String
        package var kind: ApprovalKind
        /// The step that waits; nil for a release.
        package var path: String?
        package var reason: String
        package var risk: Double
        package var deadlineAt: Timestamp?
        package var remindAt: Timestamp?
        package var escalateAt: Timestamp?
        package var at: Timestamp
    }

    package struct ApprovalVoted: Hashable, Sendable {
        package var id: String
        package var approver: String
        package var decision: ApprovalDecision
        package var comment: String?
        package var form: JSONValue?
        /// Of the link that was used.
        package var nonce: String?
        package var at: Timestamp
    }

    /// A reminder or an escalation.
    package struct ApprovalNotified: Hashable, Sendable {
        package var id: String
        package var stage: Int
        package var isEscalation: Bool
        /// From now on.
        package var deadlineAt: Timestamp?
        package var remindAt: Timestamp?
        package var at: Timestamp
    }

    package struct ApprovalDecided: Hashable, Sendable {
        package var id: String
        package var status: ApprovalStatus
        package var decidedBy: String?
        package var comment: String?
        package var policy: ApprovalPolicy
        package var at: Timestamp
    }
}

extension RecordBody.ApprovalRequested {
    func encode(to fields: inout RecordFields) {
        fields.string("id", id)
        fields.string("kind", kind.rawValue)
        if let path { fields.string("path", path) }
        fields.string("reason", reason)
        fields.double("risk", risk)
        fields.optionalTime("deadline", deadlineAt)
        fields.optionalTime("remind", remindAt)
        fields.optionalTime("escalate", escalateAt)
        fields.int("at", Int(at.microseconds))
    }

    init(_ fields: RecordReader) throws(RecordError) {
        id = try fields.string("id")
        kind = try fields.choice("kind")
        path = fields.optionalString("path")
        reason = try fields.string("reason")
        risk = try fields.double("risk")
        deadlineAt = fields.optionalTime("deadline")
        remindAt = fields.optionalTime("remind")
        escalateAt = fields.optionalTime("escalate")
        at = try fields.time("at")
    }
}

extension RecordBody.ApprovalVoted {
    func encode(to fields: inout RecordFields) {
        fields.string("id", id)
        fields.string("approver", approver)
        fields.string("decision", decision.rawValue)
        if let comment { fields.string("comment", comment) }
        if let form { fields.value("form", form) }
        if let nonce { fields.string("nonce", nonce) }
        fields.int("at", Int(at.microseconds))
    }

    init(_ fields: RecordReader) throws(RecordError) {
        id = try fields.string("id")
        approver = try fields.string("approver")
        decision = try fields.choice("decision")
        comment = fields.optionalString("comment")
        form = fields.optional("form")
        nonce = fields.optionalString("nonce")
        at = try fields.time("at")
    }
}

extension RecordBody.ApprovalNotified {
    func encode(to fields: inout RecordFields) {
        fields.string("id", id)
        fields.int("stage", stage)
        fields.value("escalation", .bool(isEscalation))
        fields.optionalTime("deadline", deadlineAt)
        fields.optionalTime("remind", remindAt)
        fields.int("at", Int(at.microseconds))
    }

    init(_ fields: RecordReader) throws(RecordError) {
        id = try fields.string("id")
        stage = try fields.int("stage")
        isEscalation = fields.optional("escalation")?.boolValue ?? false
        deadlineAt = fields.optionalTime("deadline")
        remindAt = fields.optionalTime("remind")
        at = try fields.time("at")
    }
}

extension RecordBody.ApprovalDecided {
    func encode(to fields: inout RecordFields) {
        fields.string("id", id)
        fields.string("status", status.rawValue)
        if let decidedBy { fields.string("by", decidedBy) }
        if let comment { fields.string("comment", comment) }
        fields.string("policy", policy.rawValue)
        fields.int("at", Int(at.microseconds))
    }

    init(_ fields: RecordReader) throws(RecordError) {
        id = try fields.string("id")
        status = try fields.choice("status")
        decidedBy = fields.optionalString("by")
        comment = fields.optionalString("comment")
        policy = try fields.choice("policy")
        at = try fields.time("at")
    }
}
