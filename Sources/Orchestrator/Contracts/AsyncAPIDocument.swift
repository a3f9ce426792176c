import EventBus
package import WorkflowModel

/// The event stream as AsyncAPI 3.0: the Kafka topics and the gateway's WebSocket; tests hold it against both.
///
/// Payloads are the published event schemas themselves, so a member is described in one place only.
package enum AsyncAPIDocument {
    /// The whole document.
    package static var json: JSONValue {
        [
            "asyncapi": "3.0.0",
            "info": [
                "title": "Stepstream events", "version": "1.0.0",
                "description": """
                    Every event of every execution, in order and without a hole. The Kafka record's value, the WebSocket \
                    text frame and the data line of server-sent events are the same bytes. Within version 1 members and \
                    types are only added: ignore what you do not know.
                    """,
            ],
            "defaultContentType": "application/json",
            "servers": servers, "channels": channels, "operations": operations, "components": components,
        ]
    }

    private static let servers: JSONValue = [
        "kafka": [
            "host": "{bootstrap}", "protocol": "kafka", "description": "The brokers of `--kafka-bootstrap`.",
            "variables": ["bootstrap": ["description": "host:port", "default": "localhost:9092"]],
        ],
        "gateway": [
            "host": "{gateway}", "protocol": "ws", "description": "A gateway, or `stepstream serve`.",
            "variables": ["gateway": ["description": "host:port", "default": "localhost:8000"]],
        ],
    ]

    private static var channels: JSONValue {
        [
            "events": topic(
                Topics.events,
                "Lifecycle events. Within a partition an execution's events stand by sequence; replays may put a run of "
                    + "earlier ones behind later ones: drop by id.",
                partitionCount: 12, messages: eventTypes),
            "activity": topic(
                Topics.activity, "Progress and log lines of running steps: best effort, unordered, never repeated.",
                partitionCount: 12, messages: activityTypes),
            "deadLetter": topic(
                Topics.deadLetter,
                "Events that one of our own consumers gave up on: key, headers and bytes as on \(Topics.events).",
                partitionCount: 1, messages: eventTypes),
            "stream": [
                "address": "/api/v1/workflows/stream/{execution_id}",
                "description": """
                    The events of one execution from `after` on, then live, closed with 1000 after the final one. The \
                    same path without an upgrade answers with server-sent events.
                    """,
                "servers": [["$ref": "#/servers/gateway"]],
                "parameters": ["execution_id": ["description": "UUID version 7 in lower case."]],
                "messages": references(to: "messages", eventTypes + ["stream_snapshot"]),
                "bindings": [
                    "ws": [
                        "method": "GET", "bindingVersion": "0.1.0",
                        "query": [
                            "type": "object",
                            "properties": [
                                "after": [
                                    "type": "integer", "minimum": 0, "default": 0,
                                    "description": "begin after this sequence",
                                ]
                            ],
                        ],
                    ]
                ],
            ],
        ]
    }

    private static func topic(
        _ name: String, _ text: String, partitionCount: Int64, messages: [String]
    ) -> JSONValue {
        [
            "address": .string(name), "description": .string(text), "servers": [["$ref": "#/servers/kafka"]],
            "messages": references(to: "messages", messages),
            "bindings": [
                "kafka": [
                    "topic": .string(name), "partitions": .int(partitionCount), "bindingVersion": "0.5.0",
                    "topicConfiguration": ["cleanup.policy": ["delete"]],
                ]
            ],
        ]
    }

    private static let operations: JSONValue = [
        "publishEvents": [
            "action": "send", "channel": ["$ref": "#/channels/events"],
            "summary": "The orchestrator publishes at least once, in the journal's order; partitioner murmur2_random.",
        ],
        "publishActivity": [
            "action": "send", "channel": ["$ref": "#/channels/activity"],
            "summary": "The orchestrator publishes what it can.",
        ],
        "publishDeadLetters": [
            "action": "send", "channel": ["$ref": "#/channels/deadLetter"],
            "summary": "A consumer publishes what it gave up on.",
        ],
        "streamEvents": [
            "action": "send", "channel": ["$ref": "#/channels/stream"], "summary": "The gateway sends each frame once.",
        ],
    ]

    /// `{name: {"$ref": "#/components/KIND/name"}, …}`
    private static func references(to kind: String, _ names: [String]) -> JSONValue {
        .object(JSONObject(names.map { ($0, ["$ref": .string("#/components/\(kind)/\($0)")]) }))
    }

    static let eventTypes = EventType.allCases.map(\.rawValue)
}
