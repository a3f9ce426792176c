import NIOHTTP1

/// What HTTP/1 itself says of a request, before any route is looked at (RFC 9110, RFC 9112).
struct RequestFraming {
    /// Longer targets are answered with 414.
    static let targetBytesMax = 16 << 10

    /// Why the request cannot be served at all; the connection ends with the answer.
    private(set) var refusal: Problem?
    /// Whether the connection ends with the answer.
    private(set) var endsConnection = false
    /// Whether the client waits for a 100 before it sends the body.
    private(set) var expectsContinue = false
    /// Whether the client asks for a WebSocket in due form.
    private(set) var asksWebSocket = false

    /// Reads the head, and brings its target, `Host` and `Connection` to one form: the target a path, `Connection`
    /// either
    /// `close` or not there, `Upgrade` only where it is offered.
    init(_ head: inout HTTPRequestHead) {
        do throws(Problem) {
            try Self.checkHost(head)
            try Self.normalizeTarget(&head)
            try Self.checkTransferCoding(head)
            expectsContinue = try Self.expectsContinue(head)
        } catch {
            refusal = error
            return
        }
        let options = Self.tokens(head.headers, "connection")
        let isOffer = head.version != .http1_0 && options.contains("upgrade") && head.headers.contains(name: "upgrade")
        asksWebSocket =
            isOffer && head.method == .GET && Self.tokens(head.headers, "upgrade").contains("websocket")
        // The parser reads nothing after a request that offers an upgrade. Of HTTP/1.0 no connection is kept.
        endsConnection = options.contains("close") || isOffer || head.version == .http1_0 || head.method == .CONNECT
        if !isOffer { head.headers.remove(name: "upgrade") }
        if endsConnection {
            head.headers.replaceOrAdd(name: "connection", value: "close")
        } else {
            head.headers.remove(name: "connection")
        }
    }

    /// The elements of a comma-separated list, over all fields of the name, in lower case.
    private static func tokens(_ headers: HTTPHeaders, _ name: String) -> [String] {
        headers[canonicalForm: name].map { $0.lowercased() }
    }

    /// RFC 9112 §3.2: exactly one from HTTP/1.1 on, at most one before.
    private static func checkHost(_ head: HTTPRequestHead) throws(Problem) {
        let hosts = head.headers["host"]
        if hosts.isEmpty, head.version == .http1_0 { return }
        guard hosts.count == 1, isAuthority(hosts[0], mayBeEmpty: true) else {
            throw Problem(
                400, "invalid_host", hosts.count == 1 ? "Host names no host" : "one Host is needed, not \(hosts.count)")
        }
    }

    private static func isAuthority(_ text: some StringProtocol, mayBeEmpty: Bool = false) -> Bool {
        (mayBeEmpty || !text.isEmpty)
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !",/?#@\\\"<>{}|^`".utf8.contains($0) }
    }

    /// RFC 9112 §3.2.2: the host of an absolute target goes before `Host`.
    private static func normalizeTarget(_ head: inout HTTPRequestHead) throws(Problem) {
        guard head.uri.utf8.count <= targetBytesMax else { throw targetTooLong }
        if head.uri.utf8.first == UInt8(ascii: "/") || head.uri == "*" && head.method == .OPTIONS { return }
        // Another server's: this one is no proxy.
        if head.method == .CONNECT { throw Problem(501, "not_implemented", "CONNECT is not served") }
        let invalid = Problem(400, "invalid_target", "the target of a request is a path or an http address")
        guard let end = head.uri.firstRange(of: "://"),
            ["http", "https"].contains(head.uri[..<end.lowerBound].lowercased())
        else { throw invalid }
        let rest = head.uri[end.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard isAuthority(authority) else { throw invalid }
        let path = rest.dropFirst(authority.count)
        head.headers.replaceOrAdd(name: "host", value: String(authority))
        head.uri =
            if path.isEmpty {
                head.method == .OPTIONS ? "*" : "/"
            } else {
                path.first == "?" ? "/\(path)" : String(path)
            }
    }

    static let targetTooLong = Problem(
        414, "target_too_long", "the target of a request has at most \(targetBytesMax) bytes")

    /// RFC 9112 §6.1. What comes with other codings cannot be read, nor can its end be told.
    private static func checkTransferCoding(_ head: HTTPRequestHead) throws(Problem) {
        guard head.headers.contains(name: "transfer-encoding") else { return }
        guard head.version != .http1_0, !head.headers.contains(name: "content-length") else {
            throw Problem(
                400, "invalid_framing", "Transfer-Encoding comes without Content-Length, and from HTTP/1.1 on")
        }
        let codings = tokens(head.headers, "transfer-encoding")
        guard codings == ["chunked"] else {
            throw Problem(501, "transfer_coding", "of transfer codings only chunked is read, once")
        }
    }

    /// RFC 9110 §10.1.1.
    private static func expectsContinue(_ head: HTTPRequestHead) throws(Problem) -> Bool {
        let expectations = tokens(head.headers, "expect")
        if expectations.isEmpty || head.version == .http1_0 { return false }
        guard expectations.allSatisfy({ $0 == "100-continue" }) else {
            throw Problem(417, "expectation_failed", "of expectations only 100-continue is met")
        }
        return true
    }
}
