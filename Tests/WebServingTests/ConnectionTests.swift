import Synchronization
import Testing
import WebServing
import WebTesting
import WorkflowModel

/// Routes whose handlers the test looks into.
private final class Waiting: RouteProvider, Sendable {
    let begun = AsyncStream.makeStream(of: Void.self)
    let cancelled = AsyncStream.makeStream(of: Void.self)
    private let released = AsyncStream.makeStream(of: Void.self)

    /// Lets one `/held` request be answered.
    func release() { released.continuation.yield() }

    func addRoutes(to router: inout WebRouter) {
        router.get("/wait-for-ever") { request in
            await request.client.cancelWhenLeaving { [self] in
                begun.continuation.yield()
                await withTaskCancellationHandler {
                    for await _ in AsyncStream<Void>.makeStream().stream {}
                } onCancel: {
                    cancelled.continuation.yield()
                }
            }
            return .noContent
        }
        router.get("/held") { [self] _ in
            _ = await released.stream.first { _ in true }
            return .noContent
        }
    }
}

@Suite("HTTP/1 on a connection", .timeLimit(.minutes(1)))
struct ConnectionTests {
    private func serve(
        _ configuration: WebServerConfiguration = WebServerConfiguration(), providers: [any RouteProvider] = [],
        body: (TestServer, TestClient) async throws -> Void
    ) async throws {
        try await TestServer.run(configuration, providers: [Routes()] + providers) { server in
            try await body(server, try await server.client())
        }
    }

    /// A request that is refused before any route, with its code.
    struct Refused: Sendable, CustomTestStringConvertible {
        var text: String
        var status: Int
        var code: String
        var testDescription: String { String(text.prefix(60)) }
    }

    static let refusals = [
        Refused(text: "GET /items/a HTTP/1.1\r\n\r\n", status: 400, code: "invalid_host"),
        Refused(
            text: "GET /items/a HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n", status: 400,
            code: "invalid_host"),
        Refused(
            text: "GET /items/a HTTP/1.0\r\nhost: localhost\r\nhost: x\r\n\r\n", status: 400, code: "invalid_host"),
        Refused(text: "GET /items/a HTTP/1.1\r\nhost: a b\r\n\r\n", status: 400, code: "invalid_host"),
        Refused(
            text: "POST /items HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: gzip, chunked\r\n\r\n"
                + "2\r\n{}\r\n0\r\n\r\n",
            status: 501, code: "transfer_coding"),
        Refused(
            text: "POST /items HTTP/1.1\r\nhost: localhost\r\nexpect: a-miracle\r\ncontent-length: 2\r\n\r\n{}",
            status: 417, code: "expectation_failed"),
        Refused(
            text: "GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\nhost: localhost\r\n\r\n", status: 414,
            code: "target_too_long"),
        Refused(
            text: "GET /\(String(repeating: "a", count: 82_000)) HTTP/1.1\r\nhost: localhost\r\n\r\n", status: 414,
            code: "target_too_long"),
        Refused(
            text: "GET / HTTP/1.1\r\nhost: localhost\r\nx: \(String(repeating: "a", count: 82_000))\r\n\r\n",
            status: 431, code: "headers_too_large"),
        Refused(text: "CONNECT localhost:1 HTTP/1.1\r\nhost: localhost\r\n\r\n", status: 501, code: "not_implemented"),
        Refused(text: "NONSENSE\r\n\r\n", status: 400, code: "invalid_request"),
    ]

    @Test("what breaks HTTP's own rules gets a problem, and the connection ends", arguments: refusals)
    func answersRefusals(_ request: Refused) async throws {
        try await serve { _, client in
            try await client.write(request.text)
            let reply = try await client.reply()
            #expect(reply.status == request.status)
            #expect(reply.header("content-type") == "application/problem+json")
            #expect(reply.header("connection") == "close")
            #expect(reply.header("date")?.hasSuffix(" GMT") == true)
            #expect(try JSONValue(parsing: reply.body)["code"]?.stringValue == request.code)
            try await client.end()
        }
    }

    @Test("requests of one packet are answered in order, and a refusal comes after the answers that are owed")
    func pipelined() async throws {
        try await serve { _, client in
            let head = "HTTP/1.1\r\nhost: localhost\r\n"
            try await client.write(
                "GET /items/a \(head)\r\nPOST /items \(head)content-length: 2\r\n\r\n{}GET /items/b \(head)\r\n"
                    + "GET /items/c HTTP/1.1\r\n\r\nGET /items/d \(head)\r\n")
            #expect(try await client.reply().text.contains(#""a""#))
            #expect(try await client.reply().status == 201)
            #expect(try await client.reply().text.contains(#""b""#))
            #expect(try await client.reply().status == 400)
            try await client.end()
        }
    }

    @Test(
        "a connection ends when its request says so, in any case and place",
        arguments: ["close", "Close", "close, TE", "TE,CLOSE"])
    func close(option: String) async throws {
        try await serve { _, client in
            let reply = try await client.request("GET", "/items/a", headers: [("connection", option)])
            #expect(reply.status == 200 && reply.header("connection") == "close")
            try await client.end()
        }
    }

    @Test("HTTP/1.0 is answered in kind: without Host, without chunks, and the connection ends")
    func oldVersion() async throws {
        let streams = Streams()
        try await serve(providers: [streams]) { server, client in
            try await client.write("GET /items/a HTTP/1.0\r\n\r\n")
            let reply = try await client.reply()
            #expect(reply.status == 200 && reply.version == "1.0" && reply.header("transfer-encoding") == nil)
            try await client.end()
            let events = try await server.client()
            try await events.write("GET /stream/a HTTP/1.0\r\n\r\n")
            let (connection, _) = try await streams.next()
            connection.send([message(1)])
            connection.close(.normal, reason: "")
            let stream = try await events.reply()
            #expect(stream.version == "1.0" && stream.header("transfer-encoding") == nil)
            #expect(stream.text.hasSuffix("id: 1\nevent: step_started\ndata: {\"n\":1}\n\n"))
        }
    }

    @Test("a body that is announced is asked for, unless the answer does not need it")
    func expectContinue() async throws {
        try await serve(WebServerConfiguration(bodyBytesMax: 1000)) { server, client in
            let expect = ("expect", "100-Continue")
            for _ in 0..<2 {
                try await client.send("POST", "/items", headers: [expect, ("content-length", "2")])
                #expect(try await client.reply().status == 100)
                try await client.write("{}")
                #expect(try await client.reply().status == 201)
            }
            for (path, length, status) in [("/items", "1001", 413), ("/nowhere", "2", 404)] {
                let refused = try await server.client()
                try await refused.send("POST", path, headers: [expect, ("content-length", length)])
                #expect(try await refused.reply().status == status)
                try await refused.end()
            }
        }
    }

    @Test("a refused body is not read on: the answer comes and the connection ends")
    func refusedBody() async throws {
        try await serve(WebServerConfiguration(bodyBytesMax: 1000, requestTimeout: .seconds(3600))) { server, client in
            try await client.send("POST", "/items", headers: [("content-length", "10000000")], body: "{")
            #expect(try await client.reply().status == 413)
            try await client.end()
            let unread = try await server.client()
            try await unread.send("POST", "/nowhere", headers: [("content-length", "10000000")], body: "{")
            #expect(try await unread.reply().status == 404)
            try await unread.end()
        }
    }

    @Test("a client that goes on sending after a refusal is cut off soon, not after the request's whole time")
    func lingers() async throws {
        try await serve(WebServerConfiguration(requestTimeout: .seconds(3600))) { server, _ in
            let client = try await server.client(closesWithServer: false)
            try await client.write("CONNECT localhost:1 HTTP/1.1\r\nhost: localhost\r\n\r\n")
            #expect(try await client.reply().status == 501)
            await client.writeUntilGone()
        }
    }

    @Test("an offer of an upgrade is answered although more follows it than is kept, and the connection ends")
    func overlongAfterUpgrade() async throws {
        let waiting = Waiting()
        // Far more than the kernel holds, so that it is written only when the server has read most of it.
        let more = [UInt8](repeating: 0x78, count: 32 << 20)
        try await serve(providers: [waiting]) { _, client in
            try await client.send("GET", "/held", headers: [("upgrade", "h2c"), ("connection", "upgrade")])
            try await client.write(more)
            waiting.release()
            let reply = try await client.reply()
            #expect(reply.status == 204 && reply.header("connection") == "close")
            #expect(try await client.end().isEmpty)
        }
    }

    @Test("frames that come in great number before the WebSocket is opened get a refusal")
    func overlongBeforeWebSocket() async throws {
        let waiting = Waiting()
        try await serve(providers: [waiting, Streams()]) { _, client in
            try await client.send("GET", "/held")
            try await client.sendUpgrade("/stream/a")
            // Far more than the kernel holds, so that it is written only when the server has read most of it.
            try await client.write([UInt8](repeating: 0x78, count: 32 << 20))
            waiting.release()
            #expect(try await client.reply().status == 204)
            #expect(try await client.reply().status == 400)
            #expect(try await client.end().isEmpty)
        }
    }

    @Test("a refused HEAD has the length of the problem, and no body")
    func refusedHead() async throws {
        try await serve { _, client in
            try await client.write("HEAD /items/a HTTP/1.1\r\n\r\n")
            let reply = try await client.reply(hasBody: false)
            #expect(reply.status == 400)
            #expect(reply.header("content-length").flatMap { Int($0) } ?? 0 > 0)
            #expect(try await client.end().isEmpty)
        }
    }

    @Test("a body in another coding is refused, not read as what it is not")
    func contentEncoding() async throws {
        try await serve { _, client in
            let reply = try await client.request("POST", "/items", headers: [("content-encoding", "gzip")], body: "{}")
            #expect(reply.status == 415 && reply.header("accept-encoding") == "identity")
            #expect(try JSONValue(parsing: reply.body)["code"] == "unsupported_content_encoding")
            let plain = try await client.request(
                "POST", "/items", headers: [("content-encoding", "identity")], body: "{}")
            #expect(plain.status == 201)
        }
    }

    @Test("the target of a proxy's request and of a server's as a whole are understood")
    func targets() async throws {
        try await serve { server, client in
            let whole = try await client.request("OPTIONS", "*")
            #expect(whole.status == 204 && whole.header("allow")?.contains("GET") == true)
            for target in ["http://localhost:\(server.port)/items/a?b", "HTTP://localhost/items/a"] {
                let reply = try await client.request("GET", target, headers: [("host", "evil.example")])
                #expect(reply.status == 200, "\(target): \(reply.text)")
            }
            let foreign = try await client.request(
                "GET", "http://evil.example/items/a", headers: [("host", "localhost")])
            #expect(foreign.status == 421)
        }
    }

    @Test(
        "a query that cannot be decoded is refused, not left out",
        arguments: ["limit=%ZZ", "a=caf%E9", "100%+sure", "a%00b", "%"])
    func queries(query: String) async throws {
        try await serve { _, client in
            let reply = try await client.request("GET", "/page?\(query)")
            #expect(reply.status == 400)
            #expect(try JSONValue(parsing: reply.body)["code"] == "invalid_encoding")
            #expect(try await client.request("GET", "/page?limit=7&x=%F0%9F%98%80").text == "7")
        }
    }

    @Test("a stream's HEAD has no length, and the connection goes on")
    func headOfStream() async throws {
        try await serve(providers: [Streams()]) { _, client in
            let reply = try await client.request("HEAD", "/stream/a")
            #expect(reply.status == 200 && reply.header("content-length") == nil)
            #expect(reply.header("content-type") == "text/event-stream")
            #expect(try await client.request("GET", "/items/a").status == 200)
        }
    }

    @Test("a client that leaves ends what waits for it")
    func leaves() async throws {
        let waiting = Waiting()
        try await serve(providers: [waiting]) { _, client in
            try await client.send("GET", "/wait-for-ever")
            _ = await waiting.begun.stream.first { _ in true }
            try await client.close()
            _ = await waiting.cancelled.stream.first { _ in true }
        }
    }
}
