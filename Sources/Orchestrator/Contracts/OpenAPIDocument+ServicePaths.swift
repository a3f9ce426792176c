import WorkflowModel

extension OpenAPIDocument {
    /// What operators look at.
    static var operatorPaths: Members {
        [
            (
                "/health",
                path([], [(
                    "get",
                    operation(
                        "health", "The state of the role's parts; degraded is not dead.",
                        [("200", answer("Alive.", schema("Health")))], isOpen: true)
                )])
            ),
            (
                "/health/ready",
                path([], [(
                    "get",
                    operation(
                        "ready", "Whether requests can be served.",
                        [("200", answer("Ready.", schema("Health"))), ("503", answer("Not ready.", schema("Health")))],
                        isOpen: true)
                )])
            ),
            (
                "/metrics",
                path([], [(
                    "get",
                    operation(
                        "metrics", "Prometheus text format 0.0.4, or OpenMetrics 1.0 for whoever accepts it.",
                        [("200", answer("Metrics.", ["type": "string"], type: "text/plain"))])
                )])
            ),
            (
                "/api/v1/statistics",
                path([], [(
                    "get",
                    operation(
                        "statistics",
                        """
                        Success rates, durations, slow steps and errors of the last hour, day and week, by event time. \
                        Served by the role metrics.
                        """,
                        [
                            ("200", answer("As counted up to now.", schema("Statistics"))),
                            ("503", problem("statistics_unavailable")),
                        ])
                )])
            ),
            ("/api/v1/functions", path([], [("get", functions)])),
        ]
    }

    /// The contracts themselves.
    static var contractPaths: Members {
        [
            document("/openapi.json", "openapi", "This document.", "OpenAPI 3.1."),
            document("/asyncapi.json", "asyncapi", "The event stream: Kafka topics and WebSocket.", "AsyncAPI 3.0."),
            document("/schemas/workflow.json", "workflowSchema", "JSON Schema of definitions."),
            document("/schemas/events.json", "eventsSchema", "JSON Schema of every event."),
            (
                "/schemas/events/{type}.json",
                path(["type"], [(
                    "get",
                    operation(
                        "eventSchema", "JSON Schema of one event type.",
                        [("200", schemaAnswer), ("404", problem("not_found: no such type"))], isOpen: true)
                )])
            ),
        ]
    }

    private static var functions: JSONValue {
        operation(
            "listFunctions", "Plugins, functions, schemas and load failures.",
            [
                (
                    "200",
                    answer(
                        "All of them.",
                        [
                            "type": "object", "required": ["items", "next", "failures", "loading"],
                            "properties": [
                                "items": ["type": "array", "items": schema("Plugin")],
                                "next": ["type": ["string", "null"]],
                                "failures": ["type": "array", "items": schema("Failure")],
                                "loading": ["type": "array", "items": ["type": "string"]],
                            ],
                        ])
                )
            ])
    }

    private static let schemaAnswer = answer(
        "JSON Schema 2020-12.", ["type": "object"], type: "application/schema+json")

    private static func document(
        _ address: String, _ id: String, _ summary: String, _ standard: String? = nil
    ) -> (String, JSONValue) {
        let found = standard.map { answer($0, ["type": "object"]) } ?? schemaAnswer
        return (address, path([], [("get", operation(id, summary, [("200", found)], isOpen: true))]))
    }
}
