import Synchronization
import Testing
import WebServing
import WebTesting
import WorkflowModel

/// Hands every connection to the test.
final class Streams: RouteProvider, Sendable {
    final class Session: StreamSession {
        let roomSignal = AsyncStream.makeStream(of: Void.self)
        let closedSignal = AsyncStream.makeStream(of: Void.self)
        let closedCount = Mutex(0)

        func hasRoom() { roomSignal.continuation.yield() }
        func closed() {
            closedCount.withLock { $0 += 1 }
            closedSignal.continuation.yield()
        }
        func waitForRoom() async { _ = await roomSignal.stream.first { true } }
        func waitForClose() async { _ = await closedSignal.stream.first { true } }
    }

    let opened = AsyncStream.makeStream(of: (any StreamConnection, Session).self)

    func addRoutes(to router: inout WebRouter) {
        router.stream("/stream/{id}") { request throws(Problem) in
            guard request.pathParameter("id") != "bad" else { throw .invalidParameter("id", "is bad") }
            return { connection in
                let session = Session()
                self.opened.continuation.yield((connection, session))
                return session
            }
        }
    }

    func next() async throws -> (any StreamConnection, Session) {
        try #require(await opened.stream.first { _ in true })
    }
}

func message(_ sequence: Int, size: Int = 0) -> StreamMessage {
    let padding = String(repeating: "x", count: size)
    return StreamMessage(sequence: sequence, type: "step_started", bytes: Array("{\"n\":\(sequence)\(padding)}".utf8))
}

@Suite("streams", .timeLimit(.minutes(1)))
struct StreamTests {
    private func serve(
        _ settings: WebServerConfiguration.Streams = .init(),
        body: (TestServer, TestClient, Streams) async throws -> Void
    ) async throws {
        let streams = Streams()
        try await TestServer.run(WebServerConfiguration(streams: settings), providers: [streams]) { server in
            try await body(server, try await server.client(), streams)
        }
    }

    @Test("a WebSocket gets the accept key of the RFC's example, its messages in order, and the close")
    func webSocket() async throws {
        try await serve { _, client, streams in
            let reply = try await client.upgrade("/stream/a?after=3")
            #expect(reply.status == 101)
            // RFC 6455 §1.3
            #expect(reply.header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            let (connection, session) = try await streams.next()
            #expect(connection.send([message(1), message(2, size: 200), message(3, size: 70_000)]) == .sent)
            for expected in [message(1), message(2, size: 200), message(3, size: 70_000)] {
                let frame = try await client.message()
                #expect(frame.opcode == 1)
                #expect(frame.payload == expected.bytes)
            }
            connection.close(.normal, reason: "done")
            #expect(connection.send([message(4)]) == .closed)
            let close = try await client.message()
            #expect(close.closeCode == 1000)
            #expect(close.payload.dropFirst(2).elementsEqual("done".utf8))
            try await client.send(frame: 8, payload: [3, 232])
            try await client.end()
            await session.waitForClose()
            #expect(session.closedCount.withLock { $0 } == 1)
        }
    }

    @Test("a refused stream is a problem, over both protocols")
    func refused() async throws {
        try await serve { server, client, _ in
            let webSocket = try await client.upgrade("/stream/bad")
            #expect(webSocket.status == 400)
            #expect(webSocket.header("content-type") == "application/problem+json")
            #expect(try JSONValue(parsing: webSocket.body)["code"] == "invalid_parameter")
            let events = try await server.client().request("GET", "/stream/bad")
            #expect(events.status == 400)
            #expect(try await server.client().upgrade("/nowhere").status == 404)
            let foreign = try await server.client().upgrade("/stream/a", headers: [("origin", "https://evil.example")])
            #expect(foreign.status == 403)
            let rebound = try await server.client().upgrade("/stream/a", headers: [("host", "evil.example")])
            #expect(rebound.status == 421)
        }
    }

    @Test("a WebSocket is opened on a connection that has served requests, and after those under way")
    func laterUpgrade() async throws {
        let streams = Streams()
        let idle = WebServerConfiguration(idleTimeout: .milliseconds(200))
        try await TestServer.run(idle, providers: [streams, Routes()]) { server in
            let client = try await server.client()
            for _ in 0..<2 { #expect(try await client.request("GET", "/items/a").status == 200) }
            // The answer to this one is still owed when the upgrade is asked for.
            try await client.send("GET", "/items/b")
            try await client.sendUpgrade("/stream/a")
            #expect(try await client.reply().text.contains(#""b""#))
            #expect(try await client.reply().status == 101)
            let (connection, session) = try await streams.next()
            // An idle HTTP connection made later has ended meanwhile, and this one has not.
            let idleOne = try await server.client()
            #expect(try await idleOne.request("GET", "/items/a").status == 200)
            try await idleOne.end()
            #expect(connection.send([message(1)]) == .sent)
            #expect(try await client.message().payload == message(1).bytes)
            try await client.send(frame: 8, payload: [3, 232])
            #expect(try await client.message().closeCode == 1000)
            await session.waitForClose()
            try await client.end()
        }
    }

    @Test("what asks for a WebSocket without saying so in due form is an ordinary request")
    func noUpgrade() async throws {
        try await serve { server, client, streams in
            try await client.send(
                "GET", "/stream/a", headers: [("connection", "keep-alive"), ("upgrade", "websocket")])
            #expect(try await client.head().header("content-type") == "text/event-stream")
            _ = try await streams.next()
            let old = try await server.client()
            try await old.write(
                "GET /stream/a HTTP/1.0\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
                    + "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            let reply = try await old.head()
            #expect(reply.status == 200 && reply.header("content-type") == "text/event-stream")
            _ = try await streams.next()
        }
    }

    @Test("a refused upgrade has the headers that its refusal asks for")
    func refusedHeaders() async throws {
        var callers = CallerDirectory()
        _ = callers.add(Caller(name: "ann", roles: [.viewer]), token: "viewer-token-0123456789")
        let configuration = WebServerConfiguration(callers: callers)
        try await TestServer.run(configuration, providers: [Streams()]) { server in
            let nobody = try await server.client().upgrade("/stream/a")
            #expect(nobody.status == 401 && nobody.header("www-authenticate") == "Bearer")
            #expect(nobody.header("x-request-id") != nil && nobody.header("date") != nil)
            let client = try await server.client()
            try await client.send(
                "GET", "/stream/a",
                headers: [
                    ("authorization", "Bearer viewer-token-0123456789"), ("connection", "Upgrade"),
                    ("upgrade", "websocket"), ("sec-websocket-version", "8"),
                    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), ("origin", "http://localhost:5173"),
                ])
            let version = try await client.reply()
            #expect(version.status == 426 && version.header("sec-websocket-version") == "13")
            #expect(version.header("upgrade") == "websocket" && version.header("connection") == "close, upgrade")
            #expect(version.header("access-control-allow-origin") == "http://localhost:5173")
            try await client.end()
        }
    }

    @Test("a stream that is over already is 204, so that an EventSource stops asking", arguments: ["?after=2", ""])
    func over(query: String) async throws {
        try await serve { _, client, streams in
            try await client.send("GET", "/stream/a\(query)", headers: query.isEmpty ? [("last-event-id", "2")] : [])
            let (connection, session) = try await streams.next()
            connection.close(.normal, reason: "")
            let reply = try await client.reply()
            #expect(reply.status == 204 && reply.header("content-type") == nil)
            await session.waitForClose()
            // On the same connection one that goes on, with nothing to say yet.
            try await client.send("GET", "/stream/a?after=2")
            let (live, _) = try await streams.next()
            live.caughtUp()
            #expect(try await client.head().status == 200)
            live.send([message(3)])
            #expect(try await client.serverSentEvent()?.id == "3")
        }
    }

    @Test("a stream that may go on is no 204 when the server shuts down: it ends, and its client comes again")
    func shutdownBeforeKnown() async throws {
        try await serve(.init(heartbeatInterval: .seconds(3600))) { server, client, streams in
            try await client.send("GET", "/stream/a?after=2")
            _ = try await streams.next()
            await server.shutDown()
            #expect(try await client.head().status == 200)
            #expect(try await client.serverSentEvent() == nil)
        }
    }

    @Test("a server-sent-events client that leaves is noticed at once")
    func eventsVanished() async throws {
        try await serve(.init(heartbeatInterval: .seconds(3600))) { _, client, streams in
            try await client.send("GET", "/stream/a")
            let (connection, session) = try await streams.next()
            _ = try await client.head()
            try await client.close()
            await session.waitForClose()
            #expect(connection.send([message(1)]) == .closed)
        }
    }

    @Test("pings are answered and a client's close is echoed")
    func clientFrames() async throws {
        try await serve { _, client, streams in
            _ = try await client.upgrade("/stream/a")
            let (connection, session) = try await streams.next()
            try await client.send(frame: 9, payload: [7, 7])
            #expect(try await client.frame() == .init(opcode: 10, payload: [7, 7]))
            try await client.send(frame: 1, payload: Array("ignored".utf8))
            try await client.send(frame: 8, payload: [3, 233])
            #expect(try await client.frame().closeCode == 1001)
            await session.waitForClose()
            try await client.end()
            #expect(connection.send([message(1)]) == .closed)
        }
    }

    @Test("a frame over the limit is answered 1009")
    func oversizedFrame() async throws {
        try await serve { _, client, streams in
            _ = try await client.upgrade("/stream/a")
            let (_, session) = try await streams.next()
            try await client.send(frame: 1, payload: Array(repeating: 0, count: 5000))
            #expect(try await client.frame().closeCode == 1009)
            try await client.end()
            await session.waitForClose()
        }
    }

    @Test("a close is answered by its code, or by what is wrong with it", arguments: [
        ([], 1000), ([3, 232], 1000), ([0x0B, 0xB8], 3000), ([3, 243, 0x68, 0x69], 1011), ([3], 1002),
        ([3, 237], 1002), ([3, 238], 1002), ([3, 247], 1002), ([3, 231], 1002), ([0xE9, 0xFD], 1002),
        ([3, 232, 0xFF], 1007),
    ] as [([UInt8], Int)])
    func closeCodes(payload: [UInt8], answer: Int) async throws {
        try await serve { _, client, streams in
            _ = try await client.upgrade("/stream/a")
            _ = try await streams.next()
            try await client.write([0x88, 0x80 | UInt8(payload.count), 0, 0, 0, 0] + payload)
            #expect(try await client.frame().closeCode == answer)
        }
    }

    @Test("a client that leaves without a word is noticed")
    func vanished() async throws {
        try await serve { _, client, streams in
            _ = try await client.upgrade("/stream/a")
            let (_, session) = try await streams.next()
            try await client.close()
            await session.waitForClose()
        }
    }

    @Test("a client that answers no ping is dropped")
    func deadPeer() async throws {
        try await serve(.init(pingInterval: .seconds(1))) { _, client, streams in
            _ = try await client.upgrade("/stream/a")
            let (_, session) = try await streams.next()
            #expect(try await client.frame().opcode == 9)
            try await client.send(frame: 10, payload: [])
            #expect(try await client.frame().opcode == 9)
            await session.waitForClose()
            try await client.end()
        }
    }

    @Test("a client that does not read is refused more than its limit, and served on when it reads again")
    func slowClient() async throws {
        try await serve(.init(pendingBytesMax: 100_000)) { _, client, streams in
            _ = try await client.upgrade("/stream/a")
            let (connection, session) = try await streams.next()
            try await client.setReading(false)
            var sent = 0
            while connection.send([message(sent, size: 10_000)]) == .sent {
                sent += 1
                // The kernel's buffers hold some MB; what is queued here stays under the limit.
                try #require(sent < 10_000)
            }
            try await client.setReading(true)
            await session.waitForRoom()
            #expect(connection.send([message(sent, size: 10_000)]) == .sent)
            for expected in 0...sent {
                #expect(try await client.message().payload == message(expected, size: 10_000).bytes)
            }
        }
    }

    @Test("server-sent events carry id, type and the bytes, and end with the stream")
    func serverSentEvents() async throws {
        try await serve { _, client, streams in
            try await client.send("GET", "/stream/a")
            let (connection, session) = try await streams.next()
            let head = try await client.head()
            #expect(head.status == 200)
            #expect(head.header("content-type") == "text/event-stream")
            #expect(connection.send([message(1), message(2)]) == .sent)
            #expect(
                try await client.serverSentEvent() == .init(id: "1", type: "step_started", data: "{\"n\":1}"))
            #expect(
                try await client.serverSentEvent() == .init(id: "2", type: "step_started", data: "{\"n\":2}"))
            connection.send([StreamMessage(sequence: nil, type: "stream_snapshot", bytes: Array("{}".utf8))])
            #expect(try await client.serverSentEvent() == .init(id: nil, type: "stream_snapshot", data: "{}"))
            connection.close(.normal, reason: "")
            #expect(try await client.serverSentEvent() == nil)
            await session.waitForClose()
            #expect(session.closedCount.withLock { $0 } == 1)
        }
    }

    @Test("a quiet server-sent-events answer gets comments")
    func heartbeat() async throws {
        try await serve(.init(heartbeatInterval: .milliseconds(20))) { _, client, streams in
            try await client.send("GET", "/stream/a")
            _ = try await streams.next()
            _ = try await client.head()
            var text = ""
            while !text.contains(": keep-alive\n\n") {
                text += String(decoding: try #require(try await client.chunk()), as: UTF8.self)
            }
        }
    }

    @Test("a server-sent-events client that does not read is refused more, and served on when it reads again")
    func slowEvents() async throws {
        try await serve(.init(pendingBytesMax: 100_000)) { _, client, streams in
            try await client.send("GET", "/stream/a")
            let (connection, session) = try await streams.next()
            _ = try await client.head()
            try await client.setReading(false)
            var sent = 0
            var refusals = 0
            // The writer takes what it can while the kernel's buffers have room, so a refusal may be a short one.
            while refusals < 2 {
                switch connection.send([message(sent, size: 10_000)]) {
                case .sent: sent += 1
                default:
                    refusals += 1
                    if refusals < 2 { try await client.setReading(true) }
                    if refusals < 2 { await session.waitForRoom() }
                }
                try #require(sent < 10_000)
            }
            try await client.setReading(true)
            for expected in 0..<sent {
                #expect(try await client.serverSentEvent()?.id == "\(expected)")
            }
        }
    }

    @Test("a shutdown closes WebSockets with 1001 and ends server-sent events")
    func shutdown() async throws {
        try await serve { server, client, streams in
            _ = try await client.upgrade("/stream/a")
            let (connection, session) = try await streams.next()
            let events = try await server.client()
            try await events.send("GET", "/stream/b")
            _ = try await events.head()
            connection.send([message(1)])
            await server.shutDown()
            #expect(try await client.message().opcode == 1)
            #expect(try await client.message().closeCode == 1001)
            try await client.send(frame: 8, payload: [3, 233])
            await session.waitForClose()
            #expect(try await events.serverSentEvent() == nil)
        }
    }
}
