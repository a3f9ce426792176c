import Crypto
import WebServing
import WorkflowModel

/// One message for one channel: about a stage of an approval, or that the approval is settled.
struct Delivery: Hashable, Sendable {
    enum Stage: Hashable, Sendable, CustomStringConvertible {
        /// 0 for the request, then 1, 2, 3 … over reminders and escalations.
        case asked(Int)
        case settled

        var description: String {
            switch self {
            case .asked(let number): String(number)
            case .settled: "settled"
            }
        }

        init?(_ text: String) {
            if text == "settled" { self = .settled } else if let number = Int(text) { self = .asked(number) } else {
                return nil
            }
        }
    }

    let approvalID: String
    let channel: String
    let stage: Stage
    /// `webhook-id`: the same for the same approval, channel and stage, over attempts, crashes and installations.
    let id: String

    init(approvalID: String, channel: String, stage: Stage) {
        self.approvalID = approvalID
        self.channel = channel
        self.stage = stage
        let text = "\(approvalID)\u{0}\(channel)\u{0}\(stage)"
        id = Self.idPrefix + Base64URL.encode(SHA256.hash(data: Array(text.utf8)))
    }

    private static let idPrefix = "msg_"

    static func isID(_ text: String) -> Bool {
        text.hasPrefix(idPrefix) && Base64URL.decode(text.dropFirst(idPrefix.count))?.count == SHA256.byteCount
    }

    var executionID: ExecutionID? {
        approvalID.split(separator: ":", maxSplits: 1).first.flatMap { ExecutionID($0) }
    }
}

/// A delivery that is owed, and how far it is.
struct PendingDelivery: Hashable, Sendable {
    var delivery: Delivery
    var createdAt: Timestamp
    /// The earliest moment of the next attempt.
    var dueAt: Timestamp
    /// Attempts that began; the last one's outcome may not be known.
    var attempts = 0
    /// Why the last attempt that ended failed.
    var lastError: String?
    /// Those of the channel's recipients that it is still owed to, where others have it; nil: all.
    var recipients: [String]?

    var id: String { delivery.id }
    var channel: String { delivery.channel }

    init(_ delivery: Delivery, now: Timestamp) {
        self.delivery = delivery
        createdAt = now
        dueAt = now
    }

    var json: JSONObject {
        JSONObject([
            ("id", .string(id)), ("approval_id", .string(delivery.approvalID)), ("channel", .string(channel)),
            ("stage", .string(delivery.stage.description)), ("created_at", .string(createdAt.description)),
            ("due_at", .string(dueAt.description)), ("attempts", .int(Int64(attempts))),
            ("last_error", lastError.map { .string($0) } ?? .null), ("recipients", recipients.json),
        ])
    }

    init(json value: JSONValue) throws(NotifierError) {
        guard let approval = value["approval_id"]?.stringValue, let channel = value["channel"]?.stringValue,
            let stage = value["stage"]?.stringValue.flatMap(Delivery.Stage.init),
            let createdAt = value["created_at"]?.stringValue.flatMap({ Timestamp($0) }),
            let dueAt = value["due_at"]?.stringValue.flatMap({ Timestamp($0) }),
            let attempts = value["attempts"]?.intValue
        else { throw NotifierError(.store, "a pending delivery lacks a member") }
        delivery = Delivery(approvalID: approval, channel: channel, stage: stage)
        (self.createdAt, self.dueAt, self.attempts) = (createdAt, dueAt, Int(clamping: attempts))
        lastError = value["last_error"]?.stringValue
        recipients = value["recipients"]?.arrayValue?.compactMap(\.stringValue)
    }
}

extension [String]? {
    var json: JSONValue { map { .array($0.map { .string($0) }) } ?? .null }
}
