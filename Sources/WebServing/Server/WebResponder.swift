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
            answer = .problem(error.problem)
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
        if request.headers[.connection] == "close" { answer.headers.append(WebHeader("connection", "close")) }
        if let origin, rules.isAllowed(origin: origin, host: host) {
            answer.headers.append(WebHeader("access-control-allow-origin", origin))
            answer.headers.append(WebHeader("access-control-expose-headers", "x-request-id, retry-after, location"))
        }
        if origin != nil { answer.headers.append(WebHeader("vary", "origin")) }
        let response = render(answer, context)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func handle(
        _ request: Request, _ context: WebContext, host: String?, origin: String?
    ) async throws -> WebResponse {
        try rules.check(host: host)
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
        if method != .get, method != .head { try rules.check(origin: origin, host: host) }
        let caller = try rules.caller(handling.access, authorization: request.headers[.authorization])
        return try await handling.handler(
            WebRequest(
                method: method, path: request.uri.path, query: WebQuery(request.uri.query ?? ""),
                pathParameters: match.parameters, fields: request.headers, caller: caller,
                requestID: context.requestID, body: request.body, bodyBytesMax: configuration.bodyBytesMax))
    }

    private func preflight(origin: String, host: String?) -> Response {
        guard (try? rules.check(host: host)) != nil, rules.isAllowed(origin: origin, host: host) else {
            return Response(status: .forbidden, headers: [.vary: "origin"])
        }
        var headers = HTTPFields()
        headers[.accessControlAllowOrigin] = origin
        headers[.accessControlAllowMethods] = WebMethod.allCases.map(\.rawValue).joined(separator: ", ")
        headers[.accessControlAllowHeaders] = "authorization, content-type, idempotency-key, last-event-id"
        headers[.accessControlMaxAge] = "600"
        headers[.vary] = "origin"
        return Response(status: .noContent, headers: headers)
    }

    private func render(_ answer: WebResponse, _ context: WebContext) -> Response {
        var fields = HTTPFields()
        for header in answer.headers {
            guard let name = HTTPField.Name(header.name) else { continue }
            fields.append(HTTPField(name: name, value: header.value))
        }
        let body: ResponseBody =
            switch answer.body {
            case .none: ResponseBody()
            case .bytes(let bytes): ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            case .events(let opening):
                EventStreamBody.make(
                    opening, configuration: configuration.streams, eventLoop: context.channel.eventLoop)
            }
        return Response(status: HTTPResponse.Status(code: answer.status), headers: fields, body: body)
    }
}
