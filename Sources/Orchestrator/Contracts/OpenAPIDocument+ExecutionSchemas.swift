import WorkflowEngine
import WorkflowModel

extension OpenAPIDocument {
    static var executionSchemas: Members {
        [
            ("ExecuteRequest", executeRequest),
            ("Started", started),
            ("ExecutionItem", executionItem),
            ("Attempt", attempt),
            ("Step", step),
            ("Execution", execution),
            ("Event", event),
        ]
    }

    private static let executeRequest: JSONValue = [
        "type": "object", "additionalProperties": false,
        "properties": [
            "inputs": ["type": "object"],
            "execution_id": [
                "type": ["string", "null"], "format": "uuid", "pattern": .string("^\(executionIDPattern)$"),
                "description": "A UUID version 7 whose time is within −24 h … +1 min of the server's clock.",
            ],
        ],
    ]

    private static let started: JSONValue = [
        "type": "object", "required": ["execution_id", "workflow", "revision", "status", "stream"],
        "properties": [
            "execution_id": text, "workflow": text, "revision": integer, "status": executionStatus,
            "stream": ["type": "string", "description": "Path of the event stream."],
            "output": ["description": "When completed."],
            "approval": ["description": "When waiting for one.", "$ref": "#/components/schemas/Approval"],
            "error": [
                "type": "object", "description": "When failed.", "required": ["code", "message"],
                "properties": ["code": text, "message": text, "failed_step": textOrNull],
            ],
        ],
    ]

    private static let executionItem: JSONValue = [
        "type": "object",
        "required": ["execution_id", "workflow", "revision", "status", "started_at", "ended_at", "stuck"],
        "properties": [
            "execution_id": text, "workflow": text, "revision": integer, "status": executionStatus,
            "started_at": time, "ended_at": timeOrNull, "stuck": stuck,
        ],
    ]

    private static let stuck: JSONValue = [
        "type": ["string", "null"],
        "description": "Why the open execution cannot be taken up; null when it is not stuck.",
    ]

    private static let attempt: JSONValue = [
        "type": "object",
        "required": [
            "attempt", "status", "started_at", "ended_at", "execution_time_ms", "queued_ms", "error_code",
            "error_message", "diagnostics",
        ],
        "properties": [
            "attempt": integer, "status": ["type": "string", "enum": ["running", "completed", "failed"]],
            "started_at": time, "ended_at": timeOrNull, "execution_time_ms": numberOrNull, "queued_ms": numberOrNull,
            "error_code": textOrNull, "error_message": textOrNull, "diagnostics": textOrNull,
        ],
    ]

    private static let step: JSONValue = [
        "type": "object",
        "required": [
            "step_number", "step_name", "function", "status", "input", "output", "skip_reason", "next_attempt_at",
            "attempts",
        ],
        "properties": [
            "step_number": integer, "step_name": text, "function": text,
            "status": anyOf(StepStatus.self),
            "input": [:], "output": [:], "skip_reason": textOrNull, "next_attempt_at": timeOrNull,
            "attempts": ["type": "array", "items": schema("Attempt")],
        ],
    ]

    private static let execution: JSONValue = [
        "type": "object",
        "required": [
            "execution_id", "workflow", "revision", "status", "progress", "cancel_requested", "risk_score",
            "started_at", "ended_at", "inputs", "output", "error", "steps", "stream", "plugins", "approvals",
            "started_by", "stuck",
        ],
        "properties": [
            "execution_id": text, "workflow": text, "revision": integer, "status": executionStatus,
            "progress": ["type": "integer", "minimum": 0, "maximum": 100], "cancel_requested": boolean,
            "risk_score": ["type": "number"], "started_at": time, "ended_at": timeOrNull, "inputs": [:],
            "output": [:], "error": ["type": ["object", "null"]],
            "steps": ["type": "array", "items": schema("Step")], "stream": text,
            "plugins": [
                "type": "object", "description": "Plugin name → SHA-256 of the build the execution is pinned to.",
                "additionalProperties": text,
            ],
            "approvals": ["type": "array", "items": schema("Approval")],
            "started_by": ["type": ["string", "null"], "description": "The caller's name."],
            "stuck": stuck,
        ],
    ]

    static var executionStatus: JSONValue { anyOf(ExecutionStatus.self) }

    private static let event: JSONValue = [
        "type": "object", "description": "See /schemas/events.json.",
        "required": ["id", "type", "execution_id", "workflow", "sequence", "time", "progress", "final", "data"],
    ]
}
