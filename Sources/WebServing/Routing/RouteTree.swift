/// What is served at one path.
struct Endpoint: Sendable {
    struct Handling: Sendable {
        var access: RouteAccess
        /// What the route takes of a body; the server's own limit may be lower.
        var bodyBytesMax: Int
        var handler: WebRouter.Handler
    }

    var handlers: [WebMethod: Handling] = [:]
    var stream: WebRouter.StreamHandler?

    /// The value of an `Allow` header.
    var allowed: String {
        var methods = Set(handlers.keys)
        if methods.contains(.get) { methods.insert(.head) }
        return WebMethod.allCases.filter(methods.contains).map(\.rawValue).joined(separator: ", ")
    }
}

/// Routes by path segment; a literal segment is preferred to a parameter.
struct RouteTree: Sendable {
    struct Match: Sendable {
        var endpoint: Endpoint
        /// The route's path as it was registered, for metrics: of bounded number.
        var route: String
        var parameters: [String: String]
    }

    private struct Node: Sendable {
        var literals: [String: Int] = [:]
        var parameter: Int?
        var endpoint: Endpoint?
        var names: [String] = []
        var route = ""
    }

    private var nodes = [Node()]

    /// What is served, by the path it was registered with.
    var endpoints: [String: Endpoint] {
        var endpoints: [String: Endpoint] = [:]
        for node in nodes { endpoints[node.route] = node.endpoint }
        return endpoints
    }

    mutating func update(_ path: String, _ change: (inout Endpoint) -> Void) {
        precondition(path.hasPrefix("/"), "a route begins with /")
        var position = 0
        var names: [String] = []
        for segment in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            if segment.hasPrefix("{"), segment.hasSuffix("}") {
                names.append(String(segment.dropFirst().dropLast()))
                let next = child(nodes[position].parameter)
                nodes[position].parameter = next
                position = next
            } else {
                let key = String(segment)
                let next = child(nodes[position].literals[key])
                nodes[position].literals[key] = next
                position = next
            }
        }
        precondition(
            nodes[position].endpoint == nil || nodes[position].names == names,
            "\(path) names its parameters otherwise than \(nodes[position].route)")
        nodes[position].names = names
        nodes[position].route = path
        var endpoint = nodes[position].endpoint ?? Endpoint()
        change(&endpoint)
        nodes[position].endpoint = endpoint
    }

    /// What a request path leads to; a segment that is no valid percent-encoding matches nothing.
    func match(_ path: some StringProtocol) -> Match? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        var segments: [String] = []
        for part in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard segments.count < 32, let segment = PercentEncoding.decoded(part) else { return nil }
            segments.append(segment)
        }
        var values: [String] = []
        guard let node = find(0, segments[...], &values), let endpoint = nodes[node].endpoint else { return nil }
        return Match(
            endpoint: endpoint, route: nodes[node].route,
            parameters: Dictionary(zip(nodes[node].names, values), uniquingKeysWith: { first, _ in first }))
    }

    private func find(_ node: Int, _ rest: ArraySlice<String>, _ values: inout [String]) -> Int? {
        guard let segment = rest.first else { return nodes[node].endpoint == nil ? nil : node }
        if let next = nodes[node].literals[segment], let found = find(next, rest.dropFirst(), &values) { return found }
        // An empty segment is never a parameter: `/workflows/` is not a workflow without a name.
        guard let next = nodes[node].parameter, !segment.isEmpty else { return nil }
        values.append(segment)
        if let found = find(next, rest.dropFirst(), &values) { return found }
        values.removeLast()
        return nil
    }

    private mutating func child(_ existing: Int?) -> Int {
        if let existing { return existing }
        nodes.append(Node())
        return nodes.count - 1
    }
}
