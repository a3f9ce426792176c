import WorkflowModel

extension OpenAPIDocument {
    static var workflowPaths: Members {
        [
            (
                "/api/v1/workflows",
                path([], [(
                    "get",
                    operation(
                        "listWorkflows", "Definitions by name.", parameters: ["limit", "workflowCursor"],
                        [("200", page(of: "WorkflowItem")), ("400", problem("invalid_parameter"))])
                )])
            ),
            ("/api/v1/workflows/{name}", path(["name"], [("get", get), ("put", put), ("delete", delete)])),
            ("/api/v1/workflows/{name}/execute", path(["name"], [("post", execute)])),
            ("/api/v1/workflows/stream/{execution_id}", path(["execution_id"], [("get", stream)])),
        ]
    }

    private static var get: JSONValue {
        operation(
            "getWorkflow", "A definition with its source; `ETag` is its revision.",
            parameters: ["revision", "If-Match", "If-None-Match"],
            [
                ("200", answer("The definition.", schema("Workflow"))),
                ("304", ["description": "The client has it already."]),
                ("400", problem("invalid_parameter or invalid_condition")), ("404", problem("unknown_workflow")),
                ("412", problem("precondition_failed")),
            ])
    }

    private static var put: JSONValue {
        operation(
            "putWorkflow", "Check and store a definition; equal sources make no new revision.",
            parameters: ["If-Match", "If-None-Match"],
            body: [
                "required": true,
                "content": [
                    "application/yaml": ["schema": ["type": "string"]],
                    "application/json": ["schema": schema("Definition")],
                ],
            ],
            [
                ("200", answer("Stored or unchanged.", schema("Workflow"))),
                ("201", answer("There was none of the name.", schema("Workflow"))),
                ("412", problem("precondition_failed")), ("413", problem("body_too_large")),
                ("415", problem("unsupported_media_type")), ("422", problem("invalid_definition, with every fault")),
                ("503", problem("plugins_loading or journal_unavailable")),
            ])
    }

    private static var delete: JSONValue {
        operation(
            "deleteWorkflow", "Hide a name; executions keep their revision.", parameters: ["If-Match", "If-None-Match"],
            [
                ("204", ["description": "Hidden."]), ("404", problem("unknown_workflow")),
                ("412", problem("precondition_failed")),
            ])
    }

    private static var execute: JSONValue {
        operation(
            "execute", "Start an execution; durable when answered.",
            parameters: ["wait", "Idempotency-Key", "traceparent"], body: body(schema("ExecuteRequest")),
            [
                ("200", answer("Started, or the answer to the same start before.", schema("Started"))),
                ("400", problem("invalid_json or invalid_parameter")), ("404", problem("unknown_workflow")),
                ("409", problem("execution_id_conflict")), ("413", problem("body_too_large")),
                ("422", problem("invalid_inputs, invalid_body or idempotency_key_reused")),
                ("429", problem("too_many_executions or too_many_bytes, with Retry-After")),
                ("503", problem("function_unavailable, plugins_loading, shutting_down or journal_unavailable")),
            ])
    }

    private static var stream: JSONValue {
        operation(
            "stream",
            """
            Events from `after`, then live, until the final one; as server-sent events, or as WebSocket text frames after \
            an upgrade. Served by the gateway.
            """, parameters: ["after", "Last-Event-ID"],
            [
                ("101", ["description": "WebSocket."]),
                ("200", answer("Server-sent events.", ["type": "string"], type: "text/event-stream")),
                ("204", ["description": "All was sent before: an `EventSource` asks no more."]),
                ("400", problem("invalid_parameter")), ("426", problem("websocket_version")),
                ("503", problem("too_many_clients")),
            ])
    }
}
