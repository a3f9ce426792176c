import WorkflowModel

/// What a channel is told, before the channel's own form: `{"type","timestamp","data"}`, the body of a webhook.
///
/// Made once, when the event is taken, and kept: every attempt sends the same.
struct ApprovalMessage: Hashable, Sendable {
    var type: String
    var timestamp: Timestamp
    var data: JSONObject

    /// Members of the request's data that every message of the approval repeats.
    private static let facts = ["kind", "step_name", "quorum", "four_eyes", "risk_score", "reason", "form_schema"]
    private static let factsOfOutcome = ["kind", "step_name", "reason"]
    private static let outcome = ["decided_by", "comment", "policy"]

    /// - Parameters:
    ///   - facts: the request's data; empty when the topic had lost it.
    ///   - links: by approver, of those the channel is for.
    init(_ notice: ApprovalNotice, facts: JSONObject, links: [(approver: String, url: String)]) {
        type = notice.kind.messageType
        timestamp = notice.time
        var data = JSONObject([
            ("approval_id", .string(notice.approvalID)), ("execution_id", .string(notice.executionID.description)),
            ("workflow", .string(notice.workflow)),
        ])
        for name in notice.kind.isPending ? Self.facts : Self.factsOfOutcome { data[name] = facts[name] }
        if notice.kind.isPending {
            data["stage"] = .int(Int64(notice.stage))
            data["approvers"] = .array(notice.approvers.map { .string($0) })
            data["deadline_at"] = notice.deadlineAt.map { .string($0.description) } ?? .null
            data["links"] = .array(links.map { ["approver": .string($0.approver), "url": .string($0.url)] })
        } else {
            for name in Self.outcome { data[name] = notice.data[name] ?? .null }
        }
        self.data = data
    }

    /// The body of a webhook, and what the store keeps.
    var encoded: [UInt8] {
        ([
            "type": .string(type), "timestamp": .string(timestamp.description), "data": .object(data),
        ] as JSONValue).encoded
    }

    init(encoded: [UInt8]) throws(NotifierError) {
        let value = try JSONValue(stored: encoded)
        guard let type = value["type"]?.stringValue, let data = value["data"]?.objectValue,
            let timestamp = value["timestamp"]?.stringValue.flatMap({ Timestamp($0) })
        else { throw NotifierError(.store, "a message has no type, time or data") }
        (self.type, self.timestamp, self.data) = (type, timestamp, data)
    }

    // What the forms for people read.

    var isPending: Bool { ApprovalNotice.Kind(rawValue: type.replacing(".", with: "_"))?.isPending ?? false }
    var links: [(approver: String, url: String)] {
        (data["links"]?.arrayValue ?? []).compactMap { link in
            guard let approver = link["approver"]?.stringValue, let url = link["url"]?.stringValue else { return nil }
            return (approver, url)
        }
    }

    /// One line: what this is about.
    var headline: String {
        let workflow = text("workflow") ?? ""
        let what = text("step_name").map { "\(workflow), step \($0)" } ?? workflow
        switch ApprovalNotice.Kind(rawValue: type.replacing(".", with: "_")) {
        case .requested: return "Approval asked for: \(what)"
        case .reminder: return "Approval still waits: \(what)"
        case .escalated: return "Approval escalated: \(what)"
        case .granted: return "No longer needed: \(what) is approved"
        case .rejected: return "No longer needed: \(what) is rejected"
        case .expired: return "No longer needed: \(what) has expired"
        case nil: return what
        }
    }

    /// A name and a value for people.
    struct Line {
        var name: String
        var value: String
        /// Somebody's own words, of any length and with any character.
        var isFreeText = false
    }

    private static let freeTexts: Set = ["Reason", "Comment"]

    /// Names and values, in the order people read them.
    var lines: [Line] {
        var lines: [(String, String?)] = [("Execution", text("execution_id")), ("Reason", text("reason"))]
        if isPending {
            let approvers = (data["approvers"]?.arrayValue ?? []).compactMap(\.stringValue)
            lines += [
                ("Risk", data["risk_score"]?.doubleValue.map { JSONValue.double($0).encodedText }),
                ("Approvers", approvers.joined(separator: ", ")), ("Until", text("deadline_at")),
            ]
        } else {
            lines += [("Decided by", text("decided_by")), ("Comment", text("comment"))]
        }
        return lines.compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : Line(name: name, value: $0, isFreeText: Self.freeTexts.contains(name)) }
        }
    }

    private func text(_ name: String) -> String? { data[name]?.stringValue }

    /// Without what only the channel may know: whoever has a link can decide.
    var withoutLinks: JSONValue {
        var data = data
        data["links"] = nil
        return ["type": .string(type), "timestamp": .string(timestamp.description), "data": .object(data)]
    }
}
