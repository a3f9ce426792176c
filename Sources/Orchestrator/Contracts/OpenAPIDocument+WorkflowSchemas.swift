import WorkflowModel

extension OpenAPIDocument {
    static var workflowSchemas: Members {
        [
            ("Definition", definition.schema),
            ("WorkflowItem", workflowItem),
            ("Workflow", workflow),
            ("Function", function),
            ("Plugin", plugin),
            ("Failure", failure),
        ] + definition.parts
    }

    /// The schema of definitions and its parts, as components: within this document a `$ref` begins at its root.
    private static let definition: (schema: JSONValue, parts: Members) = {
        var root = DefinitionReader.workflowSchema.objectValue ?? JSONObject()
        let parts = root["$defs"]?.objectValue ?? JSONObject()
        root["$defs"] = nil
        root["$schema"] = nil
        return (relocated(.object(root)), parts.map { ("Definition.\($0.key)", relocated($0.value)) })
    }()

    private static func relocated(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let values): .array(values.map(relocated))
        case .object(let members):
            .object(
                JSONObject(
                    members.map { key, value in
                        let part = key == "$ref" ? value.stringValue?.split(separator: "/").last : nil
                        return (key, part.map { .string("#/components/schemas/Definition.\($0)") } ?? relocated(value))
                    }))
        default: value
        }
    }

    private static let workflowItem: JSONValue = [
        "type": "object", "required": ["name", "revision", "created_at"],
        "properties": ["name": text, "revision": integer, "created_at": time],
    ]

    private static let workflow: JSONValue = [
        "type": "object",
        "required": [
            "name", "revision", "deliverable_type", "created_at", "format", "source", "inputs", "steps",
        ],
        "properties": [
            "name": text, "revision": integer, "deliverable_type": text, "created_at": time,
            "format": ["type": "string", "enum": ["yaml", "json"]], "source": text,
            "inputs": ["description": "JSON Schema of the inputs, or null."],
            "steps": [
                "type": "array",
                "items": [
                    "type": "object", "required": ["name", "function"],
                    "properties": ["name": text, "function": text],
                ],
            ],
        ],
    ]

    private static let function: JSONValue = [
        "type": "object", "required": ["name", "summary", "input", "output"],
        "properties": [
            "name": text, "summary": textOrNull, "input": [:], "output": [:],
            "heartbeat_timeout_ms": ["type": ["integer", "null"]],
        ],
    ]

    private static let plugin: JSONValue = [
        "type": "object", "required": ["plugin", "version", "sdk", "sha256", "path", "functions"],
        "properties": [
            "plugin": text, "version": text, "sdk": text, "sha256": text, "path": text,
            "functions": ["type": "array", "items": schema("Function")],
            "confinement": [
                "type": ["object", "null"], "required": ["measures", "landlock_abi"],
                "description": "What holds the plugin's step hosts; null until one of them has loaded it.",
                "properties": [
                    "measures": ["type": "array", "items": text], "landlock_abi": ["type": "integer", "minimum": 0],
                ],
            ],
        ],
    ]

    private static let failure: JSONValue = [
        "type": "object", "required": ["path", "code", "message"],
        "properties": ["path": text, "code": text, "message": text],
    ]
}
