import WorkflowModel

/// A shortened form of an event that is too large for the bus. Its large members are cut and named in `data.withheld`.
/// The journal keeps the whole event, and a record on the dead-letter topic tells operators of it.
///
/// The event is not left out, because consumers would wait at the gap and never learn the outcome.
struct WithheldEvent {
    /// Longer texts, lists and objects of `data` are cut.
    static let memberBytesMax = 256

    /// The event to publish instead; it has the same identifier, sequence, type and time.
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

    /// Leaves room for the quotes and some escapes, so that what is cut once is not cut again.
    private static func cut(_ text: String) -> String { VisibleText.capped(text, bytesMax: memberBytesMax - 32) }
}
