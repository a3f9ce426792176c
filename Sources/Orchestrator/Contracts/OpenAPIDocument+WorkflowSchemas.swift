import WorkflowModel

extension OpenAPIDocument {
    static var workflowSchemas: Members {
        [
            ("WorkflowItem", workflowItem),
            ("Workflow", workflow),
            ("Function", function),
            ("Plugin", plugin),
            ("Failure", failure),
        ]
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
        ],
    ]

    private static let failure: JSONValue = [
        "type": "object", "required": ["path", "code", "message"],
        "properties": ["path": text, "code": text, "message": text],
    ]
}
