import WorkflowModel

extension OpenAPIDocument {
    static var commonSchemas: Members {
        [
            ("Problem", problemMembers),
            ("Health", health),
        ]
    }

    private static let problemMembers: JSONValue = [
        "type": "object",
        "description": "RFC 9457; some codes add members of their own, such as an approval's outcome.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": [
            "type": text, "title": text, "status": integer,
            "code": ["type": "string", "description": "Stable, in snake case."], "detail": text,
            "faults": [
                "type": "array",
                "items": [
                    "type": "object", "required": ["message"],
                    "properties": [
                        "path": text, "line": integer, "column": integer, "code": text, "message": text,
                    ],
                ],
            ],
        ],
    ]

    private static let health: JSONValue = [
        "type": "object", "required": ["status", "role", "ready", "parts"],
        "properties": [
            "status": ["type": "string", "enum": ["ok", "degraded"]], "role": text, "ready": boolean,
            "parts": ["type": "object"],
        ],
    ]

    /// A string that is one of a type's raw values.
    static func anyOf<Value: RawRepresentable & CaseIterable>(_ type: Value.Type) -> JSONValue
    where Value.RawValue == String {
        ["type": "string", "enum": .array(type.allCases.map { .string($0.rawValue) })]
    }

    // Types that many members have.

    static let text: JSONValue = ["type": "string"]
    static let textOrNull: JSONValue = ["type": ["string", "null"]]
    static let integer: JSONValue = ["type": "integer"]
    static let numberOrNull: JSONValue = ["type": ["number", "null"]]
    static let boolean: JSONValue = ["type": "boolean"]
    static let time: JSONValue = ["type": "string", "format": "date-time"]
    static let timeOrNull: JSONValue = ["type": ["string", "null"], "format": "date-time"]
}
