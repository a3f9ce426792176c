import NIOHTTP1

/// Checks a request against HTTP/1's own rules, before any route is looked up (RFC 9110, RFC 9112).
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

    /// Reads the head and normalises it: the target becomes a path, `Connection` becomes `close` or is removed, and
    /// `Upgrade` is removed unless `Connection` names it, too.
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
        // The parser reads nothing after a request that offers an upgrade or a CONNECT, so no further request can
        // follow. HTTP/1.0 connections are not kept open.
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

    /// RFC 9112 §3.2: HTTP/1.1 requires exactly one `Host`, HTTP/1.0 allows none.
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

    /// RFC 9112 §3.2.2: the host of an absolute target (`http://host/path`) takes precedence over `Host`.
    private static func normalizeTarget(_ head: inout HTTPRequestHead) throws(Problem) {
        guard head.uri.utf8.count <= targetBytesMax else { throw targetTooLong }
        if head.uri.utf8.first == UInt8(ascii: "/") || head.uri == "*" && head.method == .OPTIONS { return }
        // CONNECT asks for a tunnel to another server, and this server is no proxy.
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

    /// RFC 9112 §6.1: without `chunked` as the only coding, the end of the body cannot be found.
    private static func checkTransferCoding(_ head: HTTPRequestHead) throws(Problem) {
        guard head.headers.contains(name: "transfer-encoding") else { return }
        guard head.version != .http1_0, !head.headers.contains(name: "content-length") else {
            throw Problem(
                400, "invalid_framing", "Transfer-Encoding comes without Content-Length, and from HTTP/1.1 on")
        }
        let codings = tokens(head.headers, "transfer-encoding")
        guard codings == ["chunked"] else {
            throw Problem(501, "transfer_coding", "the only transfer coding that is read is chunked, once")
        }
    }

    /// RFC 9110 §10.1.1.
    private static func expectsContinue(_ head: HTTPRequestHead) throws(Problem) -> Bool {
        let expectations = tokens(head.headers, "expect")
        if expectations.isEmpty || head.version == .http1_0 { return false }
        guard expectations.allSatisfy({ $0 == "100-continue" }) else {
            throw Problem(417, "expectation_failed", "the only expectation that is met is 100-continue")
        }
        return true
    }
}
