extension OpenAPIDocument {
    /// Members of `paths`.
    static let workflowPaths = #"""
        "/api/v1/workflows": {
          "get": {
            "operationId": "listWorkflows",
            "summary": "Definitions by name.",
            "parameters": [
              {
                "name": "limit",
                "in": "query",
                "required": false,
                "schema": {"type": "integer", "minimum": 1, "maximum": 500, "default": 100},
                "description": "How many at the most."
              },
              {
                "name": "cursor",
                "in": "query",
                "required": false,
                "schema": {"type": "string"},
                "description": "`next` of an earlier answer."
              }
            ],
            "responses": {
              "200": {
                "description": "A page.",
                "content": {
                  "application/json": {
                    "schema": {
                      "type": "object",
                      "required": ["items", "next"],
                      "properties": {
                        "items": {"type": "array", "items": {"$ref": "#/components/schemas/WorkflowItem"}},
                        "next": {"type": ["string", "null"]}
                      }
                    }
                  }
                }
              },
              "400": {
                "description": "A parameter cannot be read.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "default": {
                "description": "Anything else.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              }
            }
          }
        },
        "/api/v1/workflows/{name}": {
          "parameters": [
            {
              "name": "name",
              "in": "path",
              "required": true,
              "schema": {"type": "string"},
              "description": "The workflow's name."
            }
          ],
          "get": {
            "operationId": "getWorkflow",
            "summary": "A definition with its source.",
            "parameters": [
              {
                "name": "revision",
                "in": "query",
                "required": false,
                "schema": {"type": "integer", "minimum": 0},
                "description": "0 or absent: the newest."
              }
            ],
            "responses": {
              "200": {
                "description": "The definition.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Workflow"}}}
              },
              "404": {
                "description": "unknown_workflow",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "default": {
                "description": "Anything else.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              }
            }
          },
          "put": {
            "operationId": "putWorkflow",
            "summary": "Check and store a definition; equal sources make no new revision.",
            "requestBody": {
              "required": true,
              "content": {
                "application/yaml": {"schema": {"type": "string"}},
                "application/json": {"schema": {"type": "object"}}
              }
            },
            "responses": {
              "200": {
                "description": "Stored or unchanged.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Workflow"}}}
              },
              "201": {
                "description": "The first revision.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Workflow"}}}
              },
              "413": {
                "description": "body_too_large",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "415": {
                "description": "unsupported_media_type",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "422": {
                "description": "invalid_definition, with every fault",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "default": {
                "description": "Anything else.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              }
            }
          },
          "delete": {
            "operationId": "deleteWorkflow",
            "summary": "Hide a name; executions keep their revision.",
            "responses": {
              "204": {"description": "Hidden."},
              "404": {
                "description": "unknown_workflow",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "default": {
                "description": "Anything else.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              }
            }
          }
        },
        "/api/v1/workflows/{name}/execute": {
          "parameters": [
            {
              "name": "name",
              "in": "path",
              "required": true,
              "schema": {"type": "string"},
              "description": "The workflow's name."
            }
          ],
          "post": {
            "operationId": "execute",
            "summary": "Start an execution; durable when answered.",
            "parameters": [
              {
                "name": "wait",
                "in": "query",
                "required": false,
                "schema": {"type": "string"},
                "description": "Wait up to this long for the end, such as 30s; at most 60s."
              },
              {
                "name": "Idempotency-Key",
                "in": "header",
                "required": false,
                "schema": {"type": "string", "maxLength": 256},
                "description": "Per workflow, kept 7 days."
              },
              {
                "name": "traceparent",
                "in": "header",
                "required": false,
                "schema": {"type": "string"},
                "description": "W3C trace context, carried to the bus."
              }
            ],
            "requestBody": {
              "required": true,
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ExecuteRequest"}}}
            },
            "responses": {
              "200": {
                "description": "Started, or the answer to the same start before.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Started"}}}
              },
              "400": {
                "description": "invalid_json or invalid_parameter",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "404": {
                "description": "unknown_workflow",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "409": {
                "description": "execution_id_conflict",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "413": {
                "description": "body_too_large",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "422": {
                "description": "invalid_inputs, invalid_body or idempotency_key_reused",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "429": {
                "description": "too_many_executions",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "503": {
                "description": "function_unavailable, shutting_down or journal_unavailable",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "default": {
                "description": "Anything else.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              }
            }
          }
        },
        "/api/v1/workflows/stream/{execution_id}": {
          "get": {
            "operationId": "stream",
            "summary": "Events from `after`, then live, until the final one; as server-sent events, or as WebSocket text frames after an upgrade. Served by the gateway.",
            "parameters": [
              {
                "name": "execution_id",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "format": "uuid"},
                "description": "The execution's ID."
              },
              {
                "name": "after",
                "in": "query",
                "required": false,
                "schema": {"type": "integer", "minimum": 0, "default": 0},
                "description": "Begin after this sequence."
              }
            ],
            "responses": {
              "101": {"description": "WebSocket."},
              "200": {
                "description": "Server-sent events.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}}
              },
              "400": {
                "description": "Not an execution ID.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "default": {
                "description": "Anything else.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              }
            }
          }
        }
        """#
}
