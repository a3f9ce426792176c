import WorkflowModel

extension OpenAPIDocument {
    static var executionPaths: Members {
        [
            (
                "/api/v1/executions",
                path([], [(
                    "get",
                    operation(
                        "listExecutions", "Executions, newest first.",
                        parameters: ["limit", "executionCursor", "ofWorkflow", "ofStatus", "stuck"],
                        [("200", page(of: "ExecutionItem")), ("400", problem("invalid_parameter"))])
                )])
            ),
            (
                "/api/v1/executions/{id}",
                path(["id"], [(
                    "get",
                    operation(
                        "getExecution", "Steps with inputs, outputs and attempts.",
                        [("200", answer("The execution.", schema("Execution"))), ("404", problem("unknown_execution"))])
                )])
            ),
            (
                "/api/v1/executions/{id}/events",
                path(["id"], [(
                    "get",
                    operation(
                        "listEvents", "The execution's events from the journal.",
                        parameters: ["limit", "eventCursor", "after"],
                        [
                            ("200", page(of: "Event")), ("400", problem("invalid_parameter")),
                            ("404", problem("unknown_execution")),
                        ])
                )])
            ),
            ("/api/v1/executions/{id}/cancel", path(["id"], [("post", cancel)])),
        ]
    }

    private static var cancel: JSONValue {
        operation(
            "cancel", "Ask for the end; recorded when answered.",
            body: body(
                ["type": "object", "additionalProperties": false, "properties": ["reason": ["type": "string"]]],
                isRequired: false),
            [
                (
                    "200",
                    answer(
                        "Requested.",
                        [
                            "type": "object", "required": ["execution_id", "status", "cancel_requested"],
                            "properties": [
                                "execution_id": executionID, "status": executionStatus,
                                "cancel_requested": ["type": "boolean"],
                            ],
                        ])
                ),
                ("404", problem("unknown_execution")), ("409", problem("already_ended")),
            ])
    }
}
