extension OpenAPIDocument {
    static let schemas = #"""
        {
          "Problem": {
            "type": "object",
            "description": "RFC 9457.",
            "required": ["type", "title", "status", "code", "detail"],
            "properties": {
              "type": {"type": "string"},
              "title": {"type": "string"},
              "status": {"type": "integer"},
              "code": {"type": "string", "description": "Stable, in snake case."},
              "detail": {"type": "string"},
              "faults": {
                "type": "array",
                "items": {
                  "type": "object",
                  "required": ["message"],
                  "properties": {
                    "path": {"type": "string"},
                    "line": {"type": "integer"},
                    "column": {"type": "integer"},
                    "code": {"type": "string"},
                    "message": {"type": "string"}
                  }
                }
              }
            }
          },
          "WorkflowItem": {
            "type": "object",
            "required": ["name", "revision", "created_at"],
            "properties": {
              "name": {"type": "string"},
              "revision": {"type": "integer"},
              "created_at": {"type": "string", "format": "date-time"}
            }
          },
          "Workflow": {
            "type": "object",
            "required": ["name", "revision", "deliverable_type", "created_at", "format", "source", "inputs", "steps"],
            "properties": {
              "name": {"type": "string"},
              "revision": {"type": "integer"},
              "deliverable_type": {"type": "string"},
              "created_at": {"type": "string", "format": "date-time"},
              "format": {"type": "string", "enum": ["yaml", "json"]},
              "source": {"type": "string"},
              "inputs": {"description": "JSON Schema of the inputs, or null."},
              "steps": {
                "type": "array",
                "items": {
                  "type": "object",
                  "required": ["name", "function"],
                  "properties": {"name": {"type": "string"}, "function": {"type": "string"}}
                }
              }
            }
          },
          "ExecuteRequest": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
              "inputs": {"type": "object"},
              "execution_id": {
                "type": ["string", "null"],
                "format": "uuid",
                "description": "A UUID version 7 whose time is within −24 h … +1 min of the server's clock."
              }
            }
          },
          "Started": {
            "type": "object",
            "required": ["execution_id", "workflow", "revision", "status", "stream"],
            "properties": {
              "execution_id": {"type": "string"},
              "workflow": {"type": "string"},
              "revision": {"type": "integer"},
              "status": {"type": "string", "enum": ["running", "waiting", "completed", "failed", "cancelled"]},
              "stream": {"type": "string", "description": "Path of the event stream."},
              "output": {"description": "When completed."},
              "error": {
                "type": "object",
                "description": "When failed.",
                "required": ["code", "message"],
                "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "failed_step": {"type": ["string", "null"]}}
              }
            }
          },
          "ExecutionItem": {
            "type": "object",
            "required": ["execution_id", "workflow", "revision", "status", "started_at", "ended_at"],
            "properties": {
              "execution_id": {"type": "string"},
              "workflow": {"type": "string"},
              "revision": {"type": "integer"},
              "status": {"type": "string", "enum": ["running", "waiting", "completed", "failed", "cancelled"]},
              "started_at": {"type": "string", "format": "date-time"},
              "ended_at": {"type": ["string", "null"], "format": "date-time"}
            }
          },
          "Attempt": {
            "type": "object",
            "required": [
              "attempt",
              "status",
              "started_at",
              "ended_at",
              "execution_time_ms",
              "queued_ms",
              "error_code",
              "error_message",
              "diagnostics"
            ],
            "properties": {
              "attempt": {"type": "integer"},
              "status": {"type": "string", "enum": ["running", "completed", "failed"]},
              "started_at": {"type": "string", "format": "date-time"},
              "ended_at": {"type": ["string", "null"], "format": "date-time"},
              "execution_time_ms": {"type": ["number", "null"]},
              "queued_ms": {"type": ["number", "null"]},
              "error_code": {"type": ["string", "null"]},
              "error_message": {"type": ["string", "null"]},
              "diagnostics": {"type": ["string", "null"]}
            }
          },
          "Step": {
            "type": "object",
            "required": [
              "step_number",
              "step_name",
              "function",
              "status",
              "input",
              "output",
              "skip_reason",
              "next_attempt_at",
              "attempts"
            ],
            "properties": {
              "step_number": {"type": "integer"},
              "step_name": {"type": "string"},
              "function": {"type": "string"},
              "status": {
                "type": "string",
                "enum": ["pending", "running", "retrying", "waiting", "completed", "failed", "skipped", "cancelled"]
              },
              "input": {},
              "output": {},
              "skip_reason": {"type": ["string", "null"]},
              "next_attempt_at": {"type": ["string", "null"], "format": "date-time"},
              "attempts": {"type": "array", "items": {"$ref": "#/components/schemas/Attempt"}}
            }
          },
          "Execution": {
            "type": "object",
            "required": [
              "execution_id",
              "workflow",
              "revision",
              "status",
              "progress",
              "cancel_requested",
              "risk_score",
              "started_at",
              "ended_at",
              "inputs",
              "output",
              "error",
              "steps",
              "stream",
              "plugins"
            ],
            "properties": {
              "execution_id": {"type": "string"},
              "workflow": {"type": "string"},
              "revision": {"type": "integer"},
              "status": {"type": "string", "enum": ["running", "waiting", "completed", "failed", "cancelled"]},
              "progress": {"type": "integer", "minimum": 0, "maximum": 100},
              "cancel_requested": {"type": "boolean"},
              "risk_score": {"type": "number"},
              "started_at": {"type": "string", "format": "date-time"},
              "ended_at": {"type": ["string", "null"], "format": "date-time"},
              "inputs": {},
              "output": {},
              "error": {"type": ["object", "null"]},
              "steps": {"type": "array", "items": {"$ref": "#/components/schemas/Step"}},
              "stream": {"type": "string"},
              "plugins": {
                "type": "object",
                "description": "Plugin name → SHA-256 of the build the execution is pinned to.",
                "additionalProperties": {"type": "string"}
              }
            }
          },
          "Event": {
            "type": "object",
            "description": "See /schemas/events.json.",
            "required": ["id", "type", "execution_id", "workflow", "sequence", "time", "progress", "final", "data"]
          },
          "Function": {
            "type": "object",
            "required": ["name", "summary", "input", "output"],
            "properties": {"name": {"type": "string"}, "summary": {"type": ["string", "null"]}, "input": {}, "output": {}}
          },
          "Plugin": {
            "type": "object",
            "required": ["plugin", "version", "sdk", "sha256", "path", "functions"],
            "properties": {
              "plugin": {"type": "string"},
              "version": {"type": "string"},
              "sdk": {"type": "string"},
              "sha256": {"type": "string"},
              "path": {"type": "string"},
              "functions": {"type": "array", "items": {"$ref": "#/components/schemas/Function"}}
            }
          },
          "Failure": {
            "type": "object",
            "required": ["path", "code", "message"],
            "properties": {"path": {"type": "string"}, "code": {"type": "string"}, "message": {"type": "string"}}
          },
          "Health": {
            "type": "object",
            "required": ["status", "role", "ready", "parts"],
            "properties": {
              "status": {"type": "string", "enum": ["ok", "degraded"]},
              "role": {"type": "string"},
              "ready": {"type": "boolean"},
              "parts": {"type": "object"}
            }
          }
        }
        """#
}
