/// Who may talk to a listener at all, decided from `Host` and `Origin` before any route is looked at.
struct AccessRules: Sendable {
    let isLoopback: Bool
    private let boundHost: String
    private let allowedOrigins: Set<String>
    /// Of the allowed origins: something in front may leave the name there that it was called by.
    private let allowedHosts: Set<String>
    private let callers: CallerDirectory

    /// - Throws: `insecureBind` for an address beyond loopback that nobody has to show a token for.
    init(_ configuration: WebServerConfiguration) throws(WebServingError) {
        boundHost = Self.bareHost(configuration.host.lowercased())
        isLoopback = Self.isLoopback(boundHost)
        callers = configuration.callers
        guard isLoopback || configuration.isInsecureAllowed || !callers.isEmpty else {
            throw WebServingError(
                .insecureBind,
                """
                \(configuration.host) is reachable from other machines and no tokens are configured: \
                anybody could start workflows. Bind 127.0.0.1, configure tokens, or pass --insecure if something in front \
                checks callers.
                """)
        }
        allowedOrigins = Set(configuration.allowedOrigins ?? WebServerConfiguration.originsDefault(host: boundHost))
        allowedHosts = Set(allowedOrigins.compactMap(Self.authority(of:)).map { Self.bareHost(Self.withoutPort($0)) })
    }

    /// Who calls, if they may use the route.
    /// - Throws: 401 without a known token where tokens are configured, 403 without the route's role.
    func caller(_ access: RouteAccess, authorization: String?) throws(Problem) -> Caller {
        if callers.isEmpty { return isLoopback ? .local : .anonymous }
        if access == .everybody { return .nobody }
        let caller = try callers.caller(authorization: authorization)
        if case .role(let role) = access, !caller.roles.contains(where: { $0.covers(role) }) {
            throw Problem(403, "role_required", "\(caller.name) has not the role \(role.rawValue)")
        }
        return caller
    }

    /// Refuses a `Host` that does not name this machine: a page of another site whose DNS name was rebound to
    /// 127.0.0.1 would otherwise be of the same origin as this listener.
    func check(host: String?) throws(Problem) {
        // No browser leaves it out: only HTTP/1.0 can, such as a load balancer's probe.
        guard isLoopback, let host else { return }
        let name = Self.bareHost(Self.withoutPort(host.lowercased()))
        guard name == "localhost" || name == boundHost || name == "127.0.0.1" || name == "::1"
            || allowedHosts.contains(name)
        else {
            throw Problem(
                421, "host_refused",
                "on loopback the Host header must be localhost, 127.0.0.1 or [::1], not \"\(host)\"")
        }
    }

    /// Whether a page of `origin` may read answers: an origin from the settings, or the listener's own.
    func isAllowed(origin: String, host: String?) -> Bool {
        allowedOrigins.contains(origin) || isSameOrigin(origin, host: host)
    }

    /// Refuses what a page of a foreign site sends without asking first: forms, WebSockets.
    func check(origin: String?, host: String?) throws(Problem) {
        guard let origin, !isAllowed(origin: origin, host: host) else { return }
        throw Problem(
            403, "origin_refused", "pages of \(origin) may not call this server; add the origin to the settings")
    }

    private func isSameOrigin(_ origin: String, host: String?) -> Bool {
        guard let host else { return false }
        return Self.authority(of: origin) == host.lowercased()
    }

    private static func authority(of origin: String) -> String? {
        origin.firstRange(of: "://").map { origin[$0.upperBound...].lowercased() }
    }

    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func withoutPort(_ authority: String) -> String { split(authority).host }

    /// `host:port` in its parts; an IPv6 address keeps its brackets. The port is nil without a colon, and unchecked.
    static func split(_ authority: String) -> (host: String, port: String?) {
        let bracket = authority.hasPrefix("[") ? authority.firstIndex(of: "]") : nil
        let start = bracket ?? authority.startIndex
        guard let colon = authority[start...].firstIndex(of: ":") else { return (authority, nil) }
        return (String(authority[..<colon]), String(authority[authority.index(after: colon)...]))
    }

    static func bareHost(_ host: String) -> String {
        host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    }
}
