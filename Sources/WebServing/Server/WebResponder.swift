import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import WorkflowModel

/// Answers requests: access rules, route, handler, and every error as a problem.
struct WebResponder: HTTPResponder {
    typealias Context = WebContext

    let rules: AccessRules
    let routes: RouteTree
    let configuration: WebServerConfiguration
    let budget: MemoryBudget

    init(rules: AccessRules, routes: RouteTree, configuration: WebServerConfiguration) {
        self.rules = rules
        self.routes = routes
        self.configuration = configuration
        budget = MemoryBudget(bytesMax: configuration.bodyMemoryBytesMax)
    }

    func respond(to request: Request, context: WebContext) async throws -> Response {
        let origin = request.headers[.origin]
        let host = request.head.authority
        if request.method == .options, let origin, request.headers[.accessControlRequestMethod] != nil {
            return preflight(origin: origin, host: host)
        }
        var answer: WebResponse
        do {
            answer = try await handle(request, context, host: host, origin: origin)
        } catch let problem as Problem {
            answer = .problem(problem)
        } catch let error as any ProblemConvertible {
            let problem = error.problem
            if problem.status >= 500 {
                context.logger.warning(
                    "A request was refused",
                    metadata: [
                        "request_id": "\(context.requestID)", "path": "\(request.uri.path)", "error": "\(error)",
                    ])
            }
            answer = .problem(problem)
        } catch is CancellationError {
            answer = .problem(Problem(503, "shutting_down", "the server shuts down"))
        } catch {
            context.logger.error(
                "A handler failed",
                metadata: [
                    "request_id": "\(context.requestID)", "path": "\(request.uri.path)", "error": "\(error)",
                ])
            answer = .problem(
                Problem(
                    500, "internal_error", "the server failed; its log has more",
                    members: ["request_id": .string(context.requestID)]))
        }
        answer.headers.append(WebHeader("x-request-id", context.requestID))
        if let origin, rules.isAllowed(origin: origin, host: host) {
            answer.headers.append(WebHeader("access-control-allow-origin", origin))
            let exposed = "x-request-id, retry-after, location, etag"
            answer.headers.append(WebHeader("access-control-expose-headers", exposed))
        }
        if origin != nil { answer.headers.append(WebHeader("vary", "origin")) }
        return await render(answer, context, isHead: request.method == .head)
    }

    private func handle(
        _ request: Request, _ context: WebContext, host: String?, origin: String?
    ) async throws -> WebResponse {
        try rules.check(host: host)
        if request.method == .options, request.uri.path == "*" {
            let methods = WebMethod.allCases.map(\.rawValue) + ["OPTIONS"]
            return WebResponse(status: 204, headers: [WebHeader("allow", methods.joined(separator: ", "))])
        }
        guard let match = routes.match(request.uri.path) else {
            throw Problem.notFound("nothing is served at \(request.uri.path)")
        }
        let method = WebMethod(request.method)
        guard let method, let handling = match.endpoint.handlers[method == .head ? .get : method] else {
            let allowed = match.endpoint.allowed
            throw Problem(
                405, "method_not_allowed", "\(request.method.rawValue) is not served at \(match.route), but \(allowed)",
                headers: [WebHeader("allow", allowed)])
        }
        if match.endpoint.stream != nil, request.headers[.upgrade]?.lowercased().contains("websocket") == true {
            try refuseWebSocket(request, context, host: host)
        }
        if method != .get, method != .head { try rules.check(origin: origin, host: host) }
        let caller = try rules.caller(handling.access, authorization: request.headers[.authorization])
        return try await handling.handler(
            WebRequest(
                method: method, path: request.uri.path, query: try WebQuery(request.uri.query ?? ""),
                pathParameters: match.parameters, fields: request.headers, caller: caller,
                requestID: context.requestID, body: body(of: request, handling, context),
                address: context.channel.remoteAddress?.ipAddress ?? "", client: .current))
    }

    /// Answers for `ConnectionGate`, which opens WebSockets itself and hands on only what it refused.
    /// - Throws: always: the reason, or 503 `try_again` if it is gone meanwhile.
    private func refuseWebSocket(
        _ request: Request, _ context: WebContext, host: String?
    ) throws(Problem) -> Never {
        let upgrader = WebSocketUpgrader(rules: rules, routes: routes, streams: configuration.streams)
        _ = try upgrader.accept(
            request.uri, request.headers, host: host, requestID: context.requestID,
            address: context.channel.remoteAddress?.ipAddress ?? "")
        throw Problem(
            503, "try_again", "the WebSocket could not be opened a moment ago",
            headers: [WebHeader("retry-after", "1")])
    }

    private func body(of request: Request, _ handling: Endpoint.Handling, _ context: WebContext) -> WebRequest.Body {
        WebRequest.Body(
            parts: request.body, bytesMax: min(handling.bodyBytesMax, configuration.bodyBytesMax), budget: budget,
            announce: { context.channel.triggerUserOutboundEvent(ConnectionGate.BodyWanted(), promise: nil) })
    }

    private func preflight(origin: String, host: String?) -> Response {
        guard (try? rules.check(host: host)) != nil, rules.isAllowed(origin: origin, host: host) else {
            return Response(status: .forbidden, headers: [.vary: "origin"])
        }
        var headers = HTTPFields()
        headers[.accessControlAllowOrigin] = origin
        headers[.accessControlAllowMethods] = WebMethod.allCases.map(\.rawValue).joined(separator: ", ")
        headers[.accessControlAllowHeaders] = 
            "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, traceparent, "
                + "tracestate"
        headers[.accessControlMaxAge] = "600"
        headers[.vary] = "origin"
        return Response(status: .noContent, headers: headers)
    }

    private func render(_ answer: WebResponse, _ context: WebContext, isHead: Bool) async -> Response {
        var fields = HTTPFields()
        for header in answer.headers {
            guard let name = HTTPField.Name(header.name) else { continue }
            fields.append(HTTPField(name: name, value: header.value))
        }
        var status = HTTPResponse.Status(code: answer.status)
        let body: ResponseBody
        switch answer.body {
        case .none: body = ResponseBody()
        case .bytes(let bytes): body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        // Without a length, and without the stream.
        case .events where isHead: body = ResponseBody { writer in try await writer.finish(nil) }
        case .events(let opening, let mayBeOver):
            let stream = EventStream(
                opening, configuration: configuration.streams, eventLoop: context.channel.eventLoop)
            if mayBeOver, await stream.isOver(client: .current) {
                status = .noContent
                fields[.contentType] = nil
                body = ResponseBody()
            } else {
                body = stream.body
            }
        }
        let response = Response(status: status, headers: fields, body: body)
        if isHead, case .bytes = answer.body { return response.createHeadResponse() }
        return response
    }
}
