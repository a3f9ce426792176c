/// How a listener behaves; every limit is a setting.
package struct WebServerConfiguration: Sendable {
    package struct Streams: Sendable {
        /// Bytes that may wait for one client before it is refused more.
        package var pendingBytesMax: Int
        /// The longest message that a client may send; what it sends may not cost memory.
        package var inboundBytesMax: Int
        /// A WebSocket is pinged this often, and dropped when it was silent from one ping to the next.
        package var pingInterval: Duration
        /// How long a client may take to answer a close.
        package var closeTimeout: Duration
        /// How often a server-sent-events answer gets a comment when it has nothing else.
        package var heartbeatInterval: Duration

        package init(
            pendingBytesMax: Int = 256 << 10, inboundBytesMax: Int = 4 << 10, pingInterval: Duration = .seconds(30),
            closeTimeout: Duration = .seconds(5), heartbeatInterval: Duration = .seconds(15)
        ) {
            self.pendingBytesMax = pendingBytesMax
            self.inboundBytesMax = inboundBytesMax
            self.pingInterval = pingInterval
            self.closeTimeout = closeTimeout
            self.heartbeatInterval = heartbeatInterval
        }
    }

    /// Where the pages of developers are served by default: they may call what listens on loopback only.
    package static func originsDefault(host: String) -> [String] {
        AccessRules.isLoopback(AccessRules.bareHost(host.lowercased())) ? ["http://localhost:5173"] : []
    }

    /// Whether a browser can send the text as the origin of a page (RFC 6454 §6.2: scheme, host and port, lower-case,
    /// without the scheme's own port). Any other text would be compared with every `Origin` and match none.
    package static func isOrigin(_ text: String) -> Bool {
        guard let separator = text.firstRange(of: "://"), text == text.lowercased() else { return false }
        let (scheme, authority) = (text[..<separator.lowerBound], text[separator.upperBound...])
        let ownPorts = ["http": ":80", "https": ":443"]
        guard let ownPort = ownPorts[String(scheme)], !authority.hasSuffix(ownPort) else { return false }
        let (host, port) = AccessRules.split(String(authority))
        guard !AccessRules.bareHost(host).isEmpty, port.map({ UInt16($0) ?? 0 > 0 }) ?? true else { return false }
        return !host.utf8.contains { $0 <= 0x20 || $0 >= 0x7F || "/?#@\\*".utf8.contains($0) }
    }
    package var host: String
    /// 0 lets the kernel pick one.
    package var port: Int
    /// The longest body that any route takes.
    package var bodyBytesMax: Int
    /// What bodies may take of the memory at once, their values included; beyond it they are refused with 429.
    package var bodyMemoryBytesMax: Int
    /// Further connections wait in the kernel's backlog.
    package var connectionsMax: Int
    /// From accepting a connection, or beginning a later request, to the end of the request.
    package var requestTimeout: Duration
    /// How long a connection may be kept open without a request.
    package var idleTimeout: Duration
    /// Origins other than the listener's own whose pages may call; nil: `http://localhost:5173` on loopback, else none.
    package var allowedOrigins: [String]?
    /// Allows a bind address beyond loopback although nobody has to show a token.
    package var isInsecureAllowed: Bool
    /// Who may call; empty lets everybody who can reach the listener.
    package var callers: CallerDirectory
    package var streams: Streams

    package init(
        host: String = "127.0.0.1", port: Int = 8000, bodyBytesMax: Int = 4 << 20,
        bodyMemoryBytesMax: Int = 24 << 20, connectionsMax: Int = 20_000,
        requestTimeout: Duration = .seconds(30), idleTimeout: Duration = .seconds(75),
        allowedOrigins: [String]? = nil, isInsecureAllowed: Bool = false,
        callers: CallerDirectory = CallerDirectory(), streams: Streams = Streams()
    ) {
        self.host = host
        self.port = port
        self.bodyBytesMax = bodyBytesMax
        self.bodyMemoryBytesMax = bodyMemoryBytesMax
        self.connectionsMax = connectionsMax
        self.requestTimeout = requestTimeout
        self.idleTimeout = idleTimeout
        self.allowedOrigins = allowedOrigins
        self.isInsecureAllowed = isInsecureAllowed
        self.callers = callers
        self.streams = streams
    }

    /// Why nothing may listen at `host`; nil when it may. A listener refuses for the same reason.
    package var bindFault: String? {
        do throws(WebServingError) { _ = try AccessRules(self) } catch { return error.message }
        return nil
    }
}
