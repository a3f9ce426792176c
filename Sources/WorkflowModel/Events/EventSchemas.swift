/// JSON Schemas (2020-12) of the event contract v1, one for each type.
///
/// Members may be added within v1, so unknown ones are accepted; those listed are required.
package enum EventSchemas {
    private static let dialect: JSONValue = "https://json-schema.org/draft/2020-12/schema"

    /// The schema of events of one type, a document of its own.
    package static func schema(for type: EventType) -> JSONValue {
        .object(
            JSONObject(
                [
                    ("$schema", dialect), ("$id", .string("urn:stepstream:event:v1:\(type.rawValue)")),
                ] + body(of: type)))
    }

    /// The schema of any event, with each type's under `$defs`.
    package static var all: JSONValue {
        let references = EventType.allCases.map { type -> JSONValue in
            ["$ref": .string("#/$defs/\(type.rawValue)")]
        }
        let definitions = EventType.allCases.map { ($0.rawValue, payload(of: $0)) }
        return [
            "$schema": dialect, "$id": "urn:stepstream:event:v1", "title": "Stepstream lifecycle event",
            "oneOf": .array(references), "$defs": .object(JSONObject(definitions)),
        ]
    }

    /// The schema of one type's events without dialect and identifier, to stand inside another document.
    ///
    /// It keeps to what drafts 07 and 2020-12 have in common, since AsyncAPI reads schemas as a superset of draft 07.
    package static func payload(of type: EventType) -> JSONValue { .object(JSONObject(body(of: type))) }

    private static func body(of type: EventType) -> [(String, JSONValue)] {
        let data = EventField.data(of: type)
        let fields = EventField.envelope(of: type) + [
            EventField("data", object(data), "what the type says, in this order")
        ]
        var members: [(String, JSONValue)] = [("title", .string(type.rawValue))]
        if case .object(let envelope) = object(fields) { members += envelope.map { ($0.key, $0.value) } }
        if type == .executionCompleted { members.append(("allOf", [approvalKeepsStreamOpen])) }
        return members
    }

    private static func object(_ fields: [EventField]) -> JSONValue {
        [
            "type": "object", "required": .array(fields.map { .string($0.name) }),
            "properties": .object(JSONObject(fields.map { ($0.name, $0.described) })),
        ]
    }

    /// A completed execution ends the stream unless a release approval is still to come.
    private static let approvalKeepsStreamOpen: JSONValue = [
        "if": ["properties": ["data": ["properties": ["requires_approval": ["const": true]]]]],
        "then": ["properties": ["final": ["const": false]]],
        "else": ["properties": ["final": ["const": true]]],
    ]
}
