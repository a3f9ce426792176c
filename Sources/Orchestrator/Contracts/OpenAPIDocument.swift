package import WorkflowModel

/// The HTTP surface as OpenAPI 3.1; tests hold it against the routes and against a running server's answers.
package enum OpenAPIDocument {
    /// The whole document.
    package static var json: JSONValue {
        [
            "openapi": "3.1.0",
            "info": [
                "title": "Stepstream", "version": "1.0.0",
                "description": """
                    Durable workflows of isolated plugins, every event an ordered stream. Lists answer a page and `next`, \
                    the cursor of the following one. Errors are problems (RFC 9457) with a stable `code` and every fault \
                    at once.
                    """,
            ],
            // Without `tokens` in the settings a listener on loopback asks for none.
            "security": [["token": []], [:]],
            "paths": paths,
            "components": [
                "securitySchemes": [
                    "token": [
                        "type": "http", "scheme": "bearer",
                        "description": """
                            A token of the settings (RFC 6750). Viewers read; operators also change definitions, start \
                            and cancel; an approval says itself who decides.
                            """,
                    ]
                ],
                "parameters": parameters, "responses": responses, "schemas": schemas,
            ],
        ]
    }

    private static var paths: JSONValue {
        .object(
            JSONObject(workflowPaths + executionPaths + approvalPaths + notifierPaths + operatorPaths + contractPaths))
    }

    private static var schemas: JSONValue {
        .object(JSONObject(commonSchemas + workflowSchemas + executionSchemas + approvalSchemas + notifierSchemas))
    }
}
