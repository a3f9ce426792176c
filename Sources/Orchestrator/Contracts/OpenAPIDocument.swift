/// The HTTP surface as OpenAPI 3.1; tests hold it against a running server.
package enum OpenAPIDocument {
    /// The whole document as JSON text.
    package static let text = """
        {
          "openapi": "3.1.0",
          "info": {
            "title": "Stepstream",
            "version": "1.0.0",
            "description": "Durable workflows of isolated plugins, every event an ordered stream."
          },
          "paths": {\(workflowPaths), \(executionPaths)},
          "components": {"schemas": \(schemas)}
        }
        """
}
