import WorkflowModel

extension OpenAPIDocument {
    static var commonSchemas: Members {
        [
            ("Problem", problemMembers),
            ("Health", health),
            ("Statistics", statistics),
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

    private static let statistics: JSONValue = [
        "type": "object", "required": ["at", "up_to", "lag_events", "windows"],
        "properties": [
            "at": time,
            "up_to": [
                "description": "Event time of the newest counted event.", "type": ["string", "null"],
                "format": "date-time",
            ],
            "lag_events": ["description": "Events not counted yet; null while unknown.", "type": ["integer", "null"]],
            "windows": [
                "type": "array",
                "items": [
                    "type": "object", "required": ["window", "from", "workflows", "slowest_steps", "error_codes"],
                    "properties": [
                        "window": ["type": "string", "enum": ["1h", "24h", "7d"]], "from": time,
                        "workflows": ["type": "array", "items": workflowStatistics],
                        "slowest_steps": [
                            "type": "array",
                            "items": [
                                "type": "object", "required": ["workflow", "step", "finished", "duration_ms"],
                                "properties": [
                                    "workflow": text, "step": text, "finished": integer, "duration_ms": percentiles,
                                ],
                            ],
                        ],
                        "error_codes": [
                            "type": "array",
                            "items": [
                                "type": "object", "required": ["code", "count"],
                                "properties": ["code": text, "count": integer],
                            ],
                        ],
                    ],
                ],
            ],
        ],
    ]

    private static let workflowStatistics: JSONValue = [
        "type": "object",
        "required": ["workflow", "finished", "completed", "failed", "cancelled", "success_rate", "duration_ms"],
        "properties": [
            "workflow": text, "finished": integer, "completed": integer, "failed": integer, "cancelled": integer,
            "success_rate": [
                "description": "Completed of those that completed or failed.", "type": ["number", "null"],
            ],
            "duration_ms": percentiles,
        ],
    ]

    private static let percentiles: JSONValue = [
        "type": ["object", "null"], "description": "Of completed runs, and of steps however they ended.",
        "required": ["p50", "p95", "p99"],
        "properties": ["p50": ["type": "number"], "p95": ["type": "number"], "p99": ["type": "number"]],
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
