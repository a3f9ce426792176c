import WorkflowEngine
import WorkflowModel

/// How the members of `paths` are put together.
extension OpenAPIDocument {
    typealias Members = [(String, JSONValue)]

    /// An operation. Whoever may not use it gets 401 or 403; anything else that goes wrong is a problem, too.
    ///
    /// - Parameters:
    ///   - responses: by status, without those of every operation.
    ///   - isOpen: also answered to whoever shows no token.
    static func operation(
        _ id: String, _ summary: String, parameters: [String] = [], body: JSONValue? = nil, _ responses: Members,
        isOpen: Bool = false
    ) -> JSONValue {
        var members = JSONObject([("operationId", .string(id)), ("summary", .string(summary))])
        if !parameters.isEmpty { members["parameters"] = references("parameters", parameters) }
        if let body { members["requestBody"] = body }
        var all = responses
        if isOpen { members["security"] = [] } else {
            all += [("401", reference("responses", "NoToken")), ("403", reference("responses", "Forbidden"))]
                .filter { known in !responses.contains { $0.0 == known.0 } }
        }
        members["responses"] = .object(JSONObject(all + [("default", reference("responses", "Problem"))]))
        return .object(members)
    }

    /// A path whose own parameters stand for all its operations.
    static func path(_ parameters: [String] = [], _ operations: Members) -> JSONValue {
        .object(
            JSONObject(
                (parameters.isEmpty ? [] : [("parameters", references("parameters", parameters))]) + operations))
    }

    static func answer(_ description: String, _ schema: JSONValue, type: String = "application/json") -> JSONValue {
        ["description": .string(description), "content": content(schema, type)]
    }

    /// - Parameter codes: the problem's `code`, and what it comes with.
    static func problem(_ codes: String) -> JSONValue {
        answer(codes, schema("Problem"), type: "application/problem+json")
    }

    static func page(of items: String) -> JSONValue {
        answer(
            "A page.",
            [
                "type": "object", "required": ["items", "next"],
                "properties": [
                    "items": ["type": "array", "items": schema(items)], "next": ["type": ["string", "null"]],
                ],
            ])
    }

    static func body(_ schema: JSONValue, isRequired: Bool = true) -> JSONValue {
        ["required": .bool(isRequired), "content": content(schema, "application/json")]
    }

    static func schema(_ name: String) -> JSONValue { reference("schemas", name) }

    static var parameters: JSONValue {
        [
            "limit": query(
                "limit", ["type": "integer", "minimum": 1, "maximum": 500, "default": 100], "How many at the most."),
            "workflowCursor": cursor("^(?!stream$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
            "executionCursor": cursor("^\(executionIDPattern)$"),
            "approvalCursor": cursor("^\(executionIDPattern):(gate:[a-zA-Z_][a-zA-Z0-9_-]{0,62}|release)$"),
            "eventCursor": cursor("^[0-9]{1,18}$"),
            "deliveryCursor": cursor("^msg_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"),
            "ofWorkflow": query("workflow", ["type": "string"], "Only of this workflow."),
            "ofStatus": query("status", executionStatus, "Only with this status."),
            "stuck": query("stuck", ["type": "boolean", "enum": [true]], "Only those that cannot be taken up."),
            "ofApprovalStatus": query(
                "status", ["type": "string", "enum": .array(approvalStatuses + ["all"]), "default": "pending"],
                "Only with this status."),
            "ofDeliveryStatus": query(
                "status", ["type": "string", "enum": ["dead", "pending"], "default": "dead"], "Given up, or owed."),
            "channel": inPath("channel", ["type": "string"], "The channel's name in the settings."),
            "delivery": inPath("delivery", ["type": "string"], "The delivery's ID."),
            "revision": query(
                "revision", ["type": "integer", "minimum": 1, "maximum": 9_223_372_036_854_775_807],
                "Absent: the newest."),
            "after": query("after", sequence(default: 0), "Begin after this sequence."),
            "Last-Event-ID": header(
                "Last-Event-ID", sequence(),
                "Begin after this sequence; goes before `after`, as `EventSource` sends it."),
            "wait": query(
                "wait",
                [
                    "type": "string",
                    "pattern": "^0*(([0-9]{1,4}|[1-5][0-9]{4}|60000)ms|([0-9]|[1-5][0-9]|60)s|[01]m|0[hd])$",
                ], "Wait up to this long for the end, such as 30s; at most 60s."),
            "name": inPath("name", ["type": "string"], "The workflow's name."),
            "id": inPath("id", executionID, "The execution's ID."),
            "execution_id": inPath("execution_id", executionID, "The execution's ID."),
            "token": inPath("token", ["type": "string"], "What the link was made with; it says who decides what."),
            "type": inPath("type", ["type": "string", "enum": .array(eventTypes)], "The event's type."),
            "Idempotency-Key": header(
                "Idempotency-Key", ["type": "string", "minLength": 1, "maxLength": 256], "Per workflow, kept 7 days."),
            "If-Match": header(
                "If-Match", ["type": "string", "minLength": 1],
                "Only if the current revision is one of these entity tags, or `*`."),
            "If-None-Match": header(
                "If-None-Match", ["type": "string", "minLength": 1],
                "Only if the current revision is none of these; `*`: if there is none."),
            "traceparent": header(
                "traceparent", ["type": "string"], "W3C trace context, carried to the bus."),
        ]
    }

    static var responses: JSONValue {
        [
            "Problem": problem("Anything else."),
            "NoToken": problem("token_missing or token_refused"),
            "Forbidden": problem("role_required: the caller's roles do not reach this"),
        ]
    }

    static let executionID: JSONValue = [
        "type": "string", "format": "uuid", "pattern": .string("^\(executionIDPattern)$"),
        "description": "A UUID version 7 in lower case.",
    ]
    static let executionIDPattern = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

    private static func cursor(_ pattern: String) -> JSONValue {
        query("cursor", ["type": "string", "pattern": .string(pattern)], "`next` of an earlier answer.")
    }

    private static func sequence(default start: Int64? = nil) -> JSONValue {
        var schema = JSONObject([("type", "integer"), ("minimum", 0), ("maximum", .int(Int64(Int32.max)))])
        if let start { schema["default"] = .int(start) }
        return .object(schema)
    }

    private static var approvalStatuses: [JSONValue] { ApprovalStatus.allCases.map { .string($0.rawValue) } }
    private static var eventTypes: [JSONValue] { EventType.allCases.map { .string($0.rawValue) } }

    private static func query(_ name: String, _ schema: JSONValue, _ description: String) -> JSONValue {
        parameter(name, "query", schema, description)
    }

    private static func inPath(_ name: String, _ schema: JSONValue, _ description: String) -> JSONValue {
        parameter(name, "path", schema, description, isRequired: true)
    }

    private static func header(_ name: String, _ schema: JSONValue, _ description: String) -> JSONValue {
        parameter(name, "header", schema, description)
    }

    private static func parameter(
        _ name: String, _ place: String, _ schema: JSONValue, _ description: String, isRequired: Bool = false
    ) -> JSONValue {
        [
            "name": .string(name), "in": .string(place), "required": .bool(isRequired), "schema": schema,
            "description": .string(description),
        ]
    }

    private static func content(_ schema: JSONValue, _ type: String) -> JSONValue {
        let media: JSONValue = ["schema": schema]
        return .object(JSONObject([(type, media)]))
    }

    private static func reference(_ kind: String, _ name: String) -> JSONValue {
        ["$ref": .string("#/components/\(kind)/\(name)")]
    }

    private static func references(_ kind: String, _ names: [String]) -> JSONValue {
        .array(names.map { reference(kind, $0) })
    }
}
