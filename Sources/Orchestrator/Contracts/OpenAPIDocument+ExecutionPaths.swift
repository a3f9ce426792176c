extension OpenAPIDocument {
    /// Members of `paths`.
    static let executionPaths = #"""
        "/health": {
          "get": {
            "operationId": "health",
            "summary": "The state of the role's parts; degraded is not dead.",
            "responses": {
              "200": {
                "description": "Alive.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}
              }
            }
          }
        },
        "/health/ready": {
          "get": {
            "operationId": "ready",
            "summary": "Whether requests can be served.",
            "responses": {
              "200": {
                "description": "Ready.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}
              },
              "503": {
                "description": "Not ready.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}
              }
            }
          }
        },
        "/api/v1/executions": {
          "get": {
            "operationId": "listExecutions",
            "summary": "Executions, newest first.",
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
              },
              {
                "name": "workflow",
                "in": "query",
                "required": false,
                "schema": {"type": "string"},
                "description": "Only of this workflow."
              },
              {
                "name": "status",
                "in": "query",
                "required": false,
                "schema": {"type": "string", "enum": ["running", "waiting", "completed", "failed", "cancelled"]},
                "description": "Only with this status."
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
                        "items": {"type": "array", "items": {"$ref": "#/components/schemas/ExecutionItem"}},
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
        "/api/v1/executions/{id}": {
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "schema": {"type": "string", "format": "uuid"},
              "description": "The execution's ID, a lower-case UUID version 7."
            }
          ],
          "get": {
            "operationId": "getExecution",
            "summary": "Steps with inputs, outputs and attempts.",
            "responses": {
              "200": {
                "description": "The execution.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Execution"}}}
              },
              "404": {
                "description": "unknown_execution",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "default": {
                "description": "Anything else.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              }
            }
          }
        },
        "/api/v1/executions/{id}/events": {
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "schema": {"type": "string", "format": "uuid"},
              "description": "The execution's ID, a lower-case UUID version 7."
            }
          ],
          "get": {
            "operationId": "listEvents",
            "summary": "The execution's events from the journal.",
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
              },
              {
                "name": "after",
                "in": "query",
                "required": false,
                "schema": {"type": "integer", "minimum": 0},
                "description": "Begin after this sequence."
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
                        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
                        "next": {"type": ["string", "null"]}
                      }
                    }
                  }
                }
              },
              "404": {
                "description": "unknown_execution",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "default": {
                "description": "Anything else.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              }
            }
          }
        },
        "/api/v1/executions/{id}/cancel": {
          "parameters": [
            {
              "name": "id",
              "in": "path",
              "required": true,
              "schema": {"type": "string", "format": "uuid"},
              "description": "The execution's ID, a lower-case UUID version 7."
            }
          ],
          "post": {
            "operationId": "cancel",
            "summary": "Ask for the end; recorded when answered.",
            "requestBody": {
              "required": false,
              "content": {
                "application/json": {
                  "schema": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {"reason": {"type": "string"}}
                  }
                }
              }
            },
            "responses": {
              "200": {
                "description": "Requested.",
                "content": {
                  "application/json": {
                    "schema": {
                      "type": "object",
                      "required": ["execution_id", "status", "cancel_requested"],
                      "properties": {
                        "execution_id": {"type": "string"},
                        "status": {
                          "type": "string",
                          "enum": ["running", "waiting", "completed", "failed", "cancelled"]
                        },
                        "cancel_requested": {"type": "boolean"}
                      }
                    }
                  }
                }
              },
              "404": {
                "description": "unknown_execution",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "409": {
                "description": "already_ended",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "default": {
                "description": "Anything else.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              }
            }
          }
        },
        "/api/v1/functions": {
          "get": {
            "operationId": "listFunctions",
            "summary": "Plugins, functions, schemas and load failures.",
            "responses": {
              "200": {
                "description": "All of them.",
                "content": {
                  "application/json": {
                    "schema": {
                      "type": "object",
                      "required": ["items", "next", "failures"],
                      "properties": {
                        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Plugin"}},
                        "next": {"type": ["string", "null"]},
                        "failures": {"type": "array", "items": {"$ref": "#/components/schemas/Failure"}}
                      }
                    }
                  }
                }
              }
            }
          }
        },
        "/openapi.json": {
          "get": {
            "operationId": "openapi",
            "summary": "This document.",
            "responses": {
              "200": {
                "description": "OpenAPI 3.1.",
                "content": {"application/json": {"schema": {"type": "object"}}}
              }
            }
          }
        },
        "/asyncapi.json": {
          "get": {
            "operationId": "asyncapi",
            "summary": "The event stream: Kafka topics and WebSocket.",
            "responses": {
              "200": {
                "description": "AsyncAPI 3.0.",
                "content": {"application/json": {"schema": {"type": "object"}}}
              }
            }
          }
        },
        "/schemas/workflow.json": {
          "get": {
            "operationId": "workflowSchema",
            "summary": "JSON Schema of definitions.",
            "responses": {
              "200": {
                "description": "JSON Schema 2020-12.",
                "content": {"application/schema+json": {"schema": {"type": "object"}}}
              }
            }
          }
        },
        "/schemas/events.json": {
          "get": {
            "operationId": "eventsSchema",
            "summary": "JSON Schema of every event.",
            "responses": {
              "200": {
                "description": "JSON Schema 2020-12.",
                "content": {"application/schema+json": {"schema": {"type": "object"}}}
              }
            }
          }
        },
        "/schemas/events/{type}.json": {
          "get": {
            "operationId": "eventSchema",
            "summary": "JSON Schema of one event type.",
            "parameters": [
              {
                "name": "type",
                "in": "path",
                "required": true,
                "schema": {"type": "string"},
                "description": "The event's type."
              }
            ],
            "responses": {
              "200": {
                "description": "JSON Schema 2020-12.",
                "content": {"application/schema+json": {"schema": {"type": "object"}}}
              },
              "404": {
                "description": "No such type.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              }
            }
          }
        },
        "/metrics": {
          "get": {
            "operationId": "metrics",
            "summary": "Prometheus text format.",
            "responses": {
              "200": {"description": "Metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}
            }
          }
        }
        """#
}
