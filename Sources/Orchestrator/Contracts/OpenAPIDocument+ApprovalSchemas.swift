import WorkflowEngine
import WorkflowModel

extension OpenAPIDocument {
    static var approvalSchemas: Members {
        [
            ("Vote", vote),
            ("RecordedVote", recordedVote),
            ("Approval", approval),
            ("ApprovalItem", approvalItem),
        ]
    }

    private static let vote: JSONValue = [
        "type": "object", "additionalProperties": false, "required": ["decision"],
        "properties": [
            "decision": anyOf(ApprovalDecision.self), "comment": textOrNull,
            "form": ["description": "What the approval's form asks for; needed to approve where there is one."],
            "approval_id": [
                "type": ["string", "null"], "description": "Needed where more than one approval is pending.",
            ],
        ],
    ]

    private static let recordedVote: JSONValue = [
        "type": "object", "required": ["approver", "decision", "comment", "form", "at"],
        "properties": [
            "approver": text, "decision": anyOf(ApprovalDecision.self), "comment": textOrNull, "form": [:], "at": time,
        ],
    ]

    private static let approval: JSONValue = [
        "type": "object",
        "required": [
            "approval_id", "execution_id", "kind", "step_name", "status", "approvers", "quorum", "four_eyes", "reason",
            "risk_score", "requested_at", "deadline_at", "stage", "votes", "decided_by", "comment", "policy",
            "decided_at",
        ],
        "properties": [
            "approval_id": text, "execution_id": executionID, "kind": anyOf(ApprovalKind.self),
            "step_name": textOrNull, "status": anyOf(ApprovalStatus.self),
            "approvers": ["type": "array", "items": text], "quorum": ["type": "integer", "minimum": 1],
            "four_eyes": boolean, "reason": text, "risk_score": ["type": "number"], "requested_at": time,
            "deadline_at": timeOrNull,
            "stage": ["type": "integer", "description": "Reminders and escalations so far."],
            "votes": ["type": "array", "items": schema("RecordedVote")], "decided_by": textOrNull,
            "comment": textOrNull,
            "policy": ["oneOf": [anyOf(ApprovalPolicy.self), ["type": "null"]]], "decided_at": timeOrNull,
        ],
    ]

    private static let approvalItem: JSONValue = [
        "allOf": [
            schema("Approval"),
            [
                "type": "object", "required": ["workflow", "form_schema"],
                "properties": [
                    "workflow": text,
                    "form_schema": ["description": "JSON Schema of the form, or null."],
                ],
            ],
        ]
    ]
}
