/// A role's part of the HTTP surface.
package protocol RouteProvider: Sendable {
    func addRoutes(to router: inout WebRouter)
}

/// Collects the routes of a listener.
///
/// A path is written with `{name}` for a parameter that fills a whole segment:
/// `router.post("/api/v1/workflows/{name}/execute") { request in … }`. A literal segment goes before a parameter.
/// A handler throws `Problem` for an error answer; any other error becomes a logged 500 `internal_error`. A route takes
/// bodies of up to `bodyBytesMax` bytes.
package struct WebRouter: Sendable {
    package typealias Handler = @Sendable (WebRequest) async throws -> WebResponse
    /// Decides on a stream request before any answer: throws the refusal, or gives what to do with the connection.
    package typealias StreamHandler = @Sendable (WebRequest) throws(Problem) -> StreamOpening

    /// What a route takes of a body that says nothing else: enough for a reason or a name.
    package static let bodyBytesDefault = 64 << 10

    var tree = RouteTree()

    package init() {}

    /// Serves `HEAD` too.
    package mutating func get(
        _ path: String, access: RouteAccess = .role(.viewer), _ handler: @escaping Handler
    ) { on(.get, path, access, bodyBytesMax: 0, handler) }
    package mutating func post(
        _ path: String, access: RouteAccess = .role(.operator), bodyBytesMax: Int = bodyBytesDefault,
        _ handler: @escaping Handler
    ) { on(.post, path, access, bodyBytesMax: bodyBytesMax, handler) }
    package mutating func put(
        _ path: String, access: RouteAccess = .role(.operator), bodyBytesMax: Int = bodyBytesDefault,
        _ handler: @escaping Handler
    ) { on(.put, path, access, bodyBytesMax: bodyBytesMax, handler) }
    package mutating func delete(
        _ path: String, access: RouteAccess = .role(.operator), _ handler: @escaping Handler
    ) { on(.delete, path, access, bodyBytesMax: 0, handler) }

    /// Serves the same stream over WebSocket (an upgrade request) and server-sent events (a plain `GET`).
    package mutating func stream(_ path: String, _ handler: @escaping StreamHandler) {
        tree.update(path) { endpoint in
            precondition(endpoint.stream == nil, "\(path) has a stream already")
            endpoint.stream = handler
        }
        get(path) { request in
            WebResponse(
                status: 200,
                headers: [
                    WebHeader("content-type", "text/event-stream"), WebHeader("cache-control", "no-store"),
                    // nginx would hold events back otherwise.
                    WebHeader("x-accel-buffering", "no"),
                ],
                body: .events(
                    try handler(request),
                    mayBeOver: request.header("last-event-id") != nil || request.query["after"] != nil))
        }
    }

    private mutating func on(
        _ method: WebMethod, _ path: String, _ access: RouteAccess, bodyBytesMax: Int, _ handler: @escaping Handler
    ) {
        tree.update(path) { endpoint in
            precondition(endpoint.handlers[method] == nil, "\(method.rawValue) \(path) has a handler already")
            endpoint.handlers[method] = Endpoint.Handling(
                access: access, bodyBytesMax: bodyBytesMax, handler: handler)
        }
    }
}
