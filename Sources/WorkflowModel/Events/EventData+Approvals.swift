/// What approval events carry. An approval's id is the same in all of its events.
extension EventData {
    package struct ApprovalRequested: Hashable, Sendable {
        package var approvalID: String
        package var kind: ApprovalKind
        /// nil for a release approval.
        package var stepName: String?
        /// Names and groups of the settings.
        package var approvers: [String]
        /// How many of them have to approve.
        package var quorum: Int
        /// Whoever started the execution may not decide.
        package var fourEyes: Bool
        package var deadlineAt: Timestamp?
        package var riskScore: Double
        /// For people: what asks for the decision.
        package var reason: String
        /// JSON Schema of the form that an approval has to bring.
        package var formSchema: JSONValue?
        package init(
            approvalID: String, kind: ApprovalKind, stepName: String?, approvers: [String], quorum: Int, fourEyes: Bool,
            deadlineAt: Timestamp?, riskScore: Double, reason: String, formSchema: JSONValue?
        ) {
            self.approvalID = approvalID
            self.kind = kind
            self.stepName = stepName
            self.approvers = approvers
            self.quorum = quorum
            self.fourEyes = fourEyes
            self.deadlineAt = deadlineAt
            self.riskScore = riskScore
            self.reason = reason
            self.formSchema = formSchema
        }
    }

    package struct ApprovalVote: Hashable, Sendable {
        package var approvalID: String
        package var approver: String
        package var decision: ApprovalDecision
        package var comment: String?
        package var at: Timestamp
        package init(approvalID: String, approver: String, decision: ApprovalDecision, comment: String?, at: Timestamp)
        {
            self.approvalID = approvalID
            self.approver = approver
            self.decision = decision
            self.comment = comment
            self.at = at
        }
    }

    /// A reminder or an escalation.
    package struct ApprovalNotice: Hashable, Sendable {
        package var approvalID: String
        /// 1, 2, 3 … over the reminders and escalations of one approval; the request is 0.
        package var stage: Int
        /// Who may decide from now on.
        package var approvers: [String]
        package var deadlineAt: Timestamp?
        package init(approvalID: String, stage: Int, approvers: [String], deadlineAt: Timestamp?) {
            self.approvalID = approvalID
            self.stage = stage
            self.approvers = approvers
            self.deadlineAt = deadlineAt
        }
    }

    package struct ApprovalOutcome: Hashable, Sendable {
        package var approvalID: String
        /// Whose vote settled it; nil when no vote did.
        package var decidedBy: String?
        package var comment: String?
        package var policy: ApprovalPolicy
        package init(approvalID: String, decidedBy: String?, comment: String?, policy: ApprovalPolicy) {
            self.approvalID = approvalID
            self.decidedBy = decidedBy
            self.comment = comment
            self.policy = policy
        }
    }

    func encodeApproval(to writer: inout JSONWriter) {
        switch self {
        case .approvalRequested(let data):
            writer.approval(data.approvalID)
            writer.raw(",\"kind\":")
            writer.string(data.kind.rawValue)
            writer.raw(",\"step_name\":")
            writer.optionalString(data.stepName)
            writer.approvers(data.approvers)
            writer.raw(",\"quorum\":")
            writer.int(data.quorum)
            writer.raw(",\"four_eyes\":")
            writer.bool(data.fourEyes)
            writer.deadline(data.deadlineAt)
            writer.raw(",\"risk_score\":")
            writer.double(data.riskScore)
            writer.raw(",\"reason\":")
            writer.string(data.reason)
            writer.raw(",\"form_schema\":")
            writer.value(data.formSchema ?? .null)
        case .approvalVote(let data):
            writer.approval(data.approvalID)
            writer.raw(",\"approver\":")
            writer.string(data.approver)
            writer.raw(",\"decision\":")
            writer.string(data.decision.rawValue)
            writer.raw(",\"comment\":")
            writer.optionalString(data.comment)
            writer.raw(",\"at\":")
            writer.time(data.at)
        case .approvalReminder(let data), .approvalEscalated(let data):
            writer.approval(data.approvalID)
            writer.raw(",\"stage\":")
            writer.int(data.stage)
            writer.approvers(data.approvers)
            writer.deadline(data.deadlineAt)
        case .approvalGranted(let data), .approvalRejected(let data), .approvalExpired(let data):
            writer.approval(data.approvalID)
            writer.raw(",\"decided_by\":")
            writer.optionalString(data.decidedBy)
            writer.raw(",\"comment\":")
            writer.optionalString(data.comment)
            writer.raw(",\"policy\":")
            writer.string(data.policy.rawValue)
        default: break
        }
    }
}

/// What an approval holds: the result of a run, or a run at one of its steps.
package enum ApprovalKind: String, CaseIterable, Sendable {
    case release, gate
}

package enum ApprovalDecision: String, CaseIterable, Sendable {
    case approve, reject
}

/// By what rule an approval was settled.
package enum ApprovalPolicy: String, CaseIterable, Sendable {
    /// Enough approvers approved.
    case quorum
    /// One of them rejected.
    case rejection
    /// The deadline passed; `on_expiry` of the definition says what that means.
    case deadline
    /// The execution was cancelled.
    case cancelled
}

extension JSONWriter {
    fileprivate mutating func approval(_ id: String) {
        raw("\"approval_id\":")
        string(id)
    }

    fileprivate mutating func approvers(_ names: [String]) {
        raw(",\"approvers\":")
        value(.array(names.map { .string($0) }))
    }

    fileprivate mutating func deadline(_ at: Timestamp?) {
        raw(",\"deadline_at\":")
        if let at { time(at) } else { raw("null") }
    }
}
