import WorkflowModel

extension AsyncAPIDocument {
    static let activityTypes = ["step_progress", "step_log"]

    static var components: JSONValue {
        let events = EventType.allCases.map { type -> (String, JSONValue) in
            let message: JSONValue = [
                "name": .string(type.rawValue), "title": .string(type.rawValue), "contentType": "application/json",
                "headers": headers(of: type), "payload": ["$ref": .string("#/components/schemas/\(type.rawValue)")],
                "bindings": kafka,
            ]
            return (type.rawValue, message)
        }
        let others = (activityTypes + ["stream_snapshot"]).map { name -> (String, JSONValue) in
            var members: [(String, JSONValue)] = [
                ("name", .string(name)), ("title", .string(name)), ("contentType", "application/json"),
                ("payload", ["$ref": .string("#/components/schemas/\(name)")]),
            ]
            if activityTypes.contains(name) { members.append(("bindings", kafka)) }
            return (name, .object(JSONObject(members)))
        }
        let schemas =
            EventType.allCases.map { ($0.rawValue, EventSchemas.payload(of: $0)) } + [
                ("step_progress", stepProgress), ("step_log", stepLog), ("stream_snapshot", streamSnapshot),
            ]
        return ["messages": .object(JSONObject(events + others)), "schemas": .object(JSONObject(schemas))]
    }

    /// The key of every record.
    private static let kafka: JSONValue = [
        "kafka": [
            "key": ["type": "string", "format": "uuid", "description": "the execution_id, UTF-8"],
            "bindingVersion": "0.5.0",
        ]
    ]

    /// The CloudEvents 1.0 headers in binary mode, as `CloudEventsHeaders` writes them.
    static func headers(of type: EventType) -> JSONValue {
        func text(_ description: String) -> JSONValue { ["type": "string", "description": .string(description)] }
        let members: [(String, JSONValue)] = [
            ("ce_specversion", ["type": "string", "const": "1.0"]),
            ("ce_id", text("the event's id")),
            (
                "ce_source",
                ["type": "string", "pattern": "^/stepstream/.+$", "description": "/stepstream/ and the cluster's name"]
            ),
            ("ce_type", ["type": "string", "const": .string("io.stepstream.\(type.rawValue).v1")]),
            ("ce_subject", text("the execution_id")),
            ("ce_time", ["type": "string", "format": "date-time", "description": "the event's time"]),
            ("ce_workflow", text("the definition's name")),
            ("ce_final", ["type": "string", "enum": ["true", "false"], "description": "the event's final"]),
            ("content-type", ["type": "string", "const": "application/json"]),
            ("traceparent", text("W3C trace context, where the start brought one")),
        ]
        return [
            "type": "object",
            "required": .array(members.filter { $0.0 != "traceparent" }.map { .string($0.0) }),
            "properties": .object(JSONObject(members)),
        ]
    }

    private static func activity(_ type: String, _ own: [(String, JSONValue)]) -> JSONValue {
        let shared: [(String, JSONValue)] = [
            ("type", ["const": .string(type)]), ("execution_id", ["type": "string", "format": "uuid"]),
            ("step_name", ["type": "string"]), ("attempt", ["type": "integer", "minimum": 1]),
            ("time", ["type": "string", "format": "date-time"]),
        ]
        let members = shared + own
        return [
            "type": "object", "required": .array(members.map { .string($0.0) }),
            "properties": .object(JSONObject(members)),
        ]
    }

    private static let stepProgress = activity(
        "step_progress",
        [
            ("fraction", ["type": "number", "minimum": 0, "maximum": 1]),
            ("note", ["type": "string"]),
        ])

    private static let stepLog = activity(
        "step_log",
        [
            ("level", ["type": "string", "enum": ["debug", "info", "warning", "error"]]),
            ("message", ["type": "string"]),
            ("fields", ["description": "the step's own JSON; null when it gave none"]),
        ])

    /// Said by the gateway; no event, so it has no sequence.
    private static let streamSnapshot: JSONValue = [
        "type": "object",
        "description": "What of the execution cannot be served; the stream goes on after it.",
        "required": ["type", "execution_id", "missing_from", "missing_to", "detail"],
        "properties": [
            "type": ["const": "stream_snapshot"], "execution_id": ["type": "string", "format": "uuid"],
            "missing_from": ["type": "integer", "minimum": 1],
            "missing_to": ["type": ["integer", "null"], "description": "null: unknown whether events are missing"],
            "detail": ["type": "string"],
        ],
    ]
}
