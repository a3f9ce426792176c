import WebServing
import WorkflowModel

/// A delivery that was given up, as the store keeps it for `resend` and as its topic has it.
struct DeadLetter: Hashable, Sendable {
    var pending: PendingDelivery
    var reason: String
    var diedAt: Timestamp
    /// Whether the topic has acknowledged it.
    var isPublished = false

    var json: JSONValue {
        var json = pending.json
        json["reason"] = .string(reason)
        json["died_at"] = .string(diedAt.description)
        json["published"] = .bool(isPublished)
        return .object(json)
    }

    init(_ pending: PendingDelivery, reason: String, diedAt: Timestamp) {
        (self.pending, self.reason, self.diedAt) = (pending, reason, diedAt)
    }

    init(encoded: [UInt8]) throws(NotifierError) {
        let value = try JSONValue(stored: encoded)
        guard let reason = value["reason"]?.stringValue,
            let diedAt = value["died_at"]?.stringValue.flatMap({ Timestamp($0) })
        else { throw NotifierError(.store, "a dead letter lacks a member") }
        self.init(try PendingDelivery(json: value), reason: reason, diedAt: diedAt)
        isPublished = value["published"]?.boolValue ?? false
    }

    /// The record of the topic; nil for an approval whose ID names no execution.
    ///
    /// The message stands in it without its links, by which anybody who reads the topic could decide.
    func record(_ message: ApprovalMessage?) -> EncodedEvent? {
        guard let execution = pending.delivery.executionID else { return nil }
        let workflow = message?.data["workflow"]?.stringValue ?? ""
        // No event of the execution's own: any number that tells its dead letters apart.
        let digest = ContentDigest.sha256(Array("\(pending.id) \(diedAt)".utf8))
        let number = digest.prefix(4).reduce(0) { $0 << 8 | Int($1) } | 1 << 32
        let value: JSONValue = [
            "id": .string("\(execution):\(number)"), "type": "dead_letter",
            "execution_id": .string(execution.description), "workflow": .string(workflow),
            "time": .string(diedAt.description),
            "data": [
                "consumer": "notifier", "delivery_id": .string(pending.id),
                "approval_id": .string(pending.delivery.approvalID),
                "channel": .string(pending.channel), "stage": .string(pending.delivery.stage.description),
                "attempts": .int(Int64(pending.attempts)), "reason": .string(reason),
                "recipients": pending.recipients.json, "message": message?.withoutLinks ?? .null,
            ],
        ]
        return EncodedEvent(
            executionID: execution, workflow: workflow, sequence: number, type: "dead_letter", time: diedAt,
            isFinal: false,
            bytes: value.encoded)
    }
}
