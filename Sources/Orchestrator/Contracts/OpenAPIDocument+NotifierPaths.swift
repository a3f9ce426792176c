import WorkflowModel

extension OpenAPIDocument {
    /// What the notifier serves; the document is one for all roles.
    static var notifierPaths: Members {
        [
            (
                "/api/v1/notifier/channels",
                path([], [(
                    "get",
                    operation(
                        "listChannels", "The channels that approvers are told by.",
                        [("200", page(of: "Channel")), ("503", problem("notifier_unavailable"))])
                )])
            ),
            (
                "/api/v1/notifier/channels/{channel}/enable",
                path(["channel"], [(
                    "post",
                    operation(
                        "enableChannel", "Sends again to a channel whose receiver answered 410.",
                        [
                            ("204", ["description": "Enabled."]), ("404", problem("unknown_channel")),
                            ("503", problem("notifier_unavailable")),
                        ])
                )])
            ),
            (
                "/api/v1/notifier/deliveries",
                path([], [(
                    "get",
                    operation(
                        "listDeliveries", "Messages that were given up, or are owed still; without their text.",
                        parameters: ["limit", "deliveryCursor", "ofDeliveryStatus"],
                        [
                            ("200", page(of: "Delivery")), ("400", problem("invalid_parameter")),
                            ("503", problem("notifier_unavailable")),
                        ])
                )])
            ),
            (
                "/api/v1/notifier/deliveries/{delivery}/resend",
                path(["delivery"], [(
                    "post",
                    operation(
                        "resendDelivery", "Sends a message again that was given up, under the same ID.",
                        [
                            ("204", ["description": "It is owed again."]), ("404", problem("unknown_delivery")),
                            ("409", problem("approval_settled, or not_deliverable with the reason")),
                            ("503", problem("notifier_unavailable")),
                        ])
                )])
            ),
        ]
    }

    static var notifierSchemas: Members { [("Channel", channel), ("Delivery", delivery)] }

    private static let channel: JSONValue = [
        "type": "object", "required": ["name", "type", "status", "detail", "approvers"],
        "properties": [
            "name": text, "type": ["type": "string", "enum": ["webhook", "slack", "email"]],
            "status": ["type": "string", "enum": ["ok", "failing", "disabled"]], "detail": textOrNull,
            "approvers": [
                "type": "array", "items": text, "description": "Told only of what these decide; empty: of all.",
            ],
        ],
    ]

    private static let delivery: JSONValue = [
        "type": "object",
        "required": ["id", "approval_id", "channel", "stage", "created_at", "due_at", "attempts", "last_error"],
        "properties": [
            "id": ["type": "string", "description": "The webhook-id."], "approval_id": text, "channel": text,
            "stage": ["type": "string", "description": "0, 1, 2 …, or settled."], "created_at": time, "due_at": time,
            "attempts": integer, "last_error": textOrNull,
            "recipients": [
                "type": ["array", "null"], "items": text,
                "description": "Who it is still for, where others of the channel's recipients have it.",
            ],
            "reason": ["type": "string", "description": "Why it was given up."], "died_at": time,
            "published": ["type": "boolean", "description": "Whether the dead-letter topic has it."],
        ],
    ]
}
