import WorkflowEngine
import WorkflowModel

/// An event that the bus refuses for its size, as it goes onto the topic all the same: with what makes it large cut
/// short and named in `data.withheld`. The journal keeps the whole event, and the dead-letter topic says where.
///
/// Leaving it out was rejected: the gap would stop every consumer of the execution, and an outcome would be missing.
struct WithheldEvent {
    /// Longer texts, lists and objects of `data` are cut.
    static let memberBytesMax = 256

    /// Takes the place of the event: same identifier, sequence, type and time.
    let standIn: EncodedEvent
    let letter: EncodedEvent

    /// - Parameter reason: what the bus said.
    init(_ event: EncodedEvent, reason: String, at now: Timestamp) throws(JSONError) {
        var value = try JSONValue(parsing: event.bytes, limits: .written)
        var data = value["data"]?.objectValue ?? JSONObject()
        var withheld: [JSONValue] = []
        for member in data where member.value.encoded.count > Self.memberBytesMax {
            withheld.append(.string(member.key))
            data[member.key] = Self.shortened(member.value)
        }
        data["withheld"] = .array(withheld)
        if case .object(var members) = value {
            members["data"] = .object(data)
            value = .object(members)
        }
        var standIn = event
        standIn.bytes = value.encoded
        self.standIn = standIn
        let described: JSONValue = [
            "id": .string(event.id), "type": "dead_letter", "execution_id": .string(event.executionID.description),
            "workflow": .string(event.workflow), "time": .string(now.description),
            "data": [
                "consumer": "relay", "event_type": .string(event.type), "bytes": .int(Int64(event.bytes.count)),
                "withheld": .array(withheld), "reason": .string(Self.cut(reason)),
            ],
        ]
        letter = EncodedEvent(
            executionID: event.executionID, workflow: event.workflow, sequence: event.sequence, type: "dead_letter",
            time: now, isFinal: false, bytes: described.encoded)
    }

    /// A value of the same type, so that the event still fits its schema.
    private static func shortened(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(cut(text))
        case .array: .array([])
        case .object: .object(JSONObject())
        default: value
        }
    }

    private static func cut(_ text: String) -> String {
        EngineLimits(messageBytesMax: memberBytesMax - 32).cut(text)
    }
}
