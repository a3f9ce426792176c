import EventBus
import Gateway
import Logging
import Synchronization
import Testing
import WebServing
import WebTesting
import WorkflowModel

/// A gateway on a loopback port before a fake bus.
struct GatewayServer {
    let bus: BusFake
    let server: TestServer

    static func run(
        _ configuration: GatewayConfiguration = GatewayConfiguration(),
        streams: WebServerConfiguration.Streams = .init(),
        callers: CallerDirectory = CallerDirectory(), bus: BusFake = BusFake(),
        body: (GatewayServer) async throws -> Void
    ) async throws {
        let gateway = Gateway(
            subscriber: bus, history: bus, configuration: configuration,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { Executions.epoch })
        let health = HealthRegistry(role: "gateway")
        health.register("gateway", gateway.health)
        try await TestServer.run(
            WebServerConfiguration(callers: callers, streams: streams), providers: [health, gateway],
            services: [gateway]
        ) { server in
            await bus.waitForSubscription()
            try await body(GatewayServer(bus: bus, server: server))
        }
    }

    func stream(_ execution: ExecutionID, _ query: String = "", token: String? = nil) async throws -> TestClient {
        let client = try await server.client()
        let headers = token.map { [("authorization", "Bearer \($0)")] } ?? []
        let reply = try await client.upgrade("/api/v1/workflows/stream/\(execution)\(query)", headers: headers)
        try #require(reply.status == 101)
        return client
    }
}

extension TestClient {
    /// Expects exactly these events, byte for byte.
    func expect(_ events: [EncodedEvent], _ comment: Comment? = nil, location: SourceLocation = #_sourceLocation)
        async throws
    {
        for event in events {
            let frame = try await message()
            try #require(frame.opcode == 1, comment, sourceLocation: location)
            try #require(frame.text == String(decoding: event.bytes, as: UTF8.self), comment, sourceLocation: location)
        }
    }

    /// So many events, whatever they are.
    func expectEvents(_ count: Int) async throws { for _ in 0..<count { _ = try await message() } }

    func expectEnd(location: SourceLocation = #_sourceLocation) async throws {
        let close = try await message()
        #expect(close.closeCode == 1000, sourceLocation: location)
        try await send(frame: 8, payload: Array(close.payload.prefix(2)))
        try await end()
    }
}

@Suite("the gateway over sockets", .timeLimit(.minutes(1)))
struct GatewayTests {
    /// Began well before the gateway subscribed.
    let old = Executions.id(1)
    /// Begins so late that all of it comes live.
    let fresh = Executions.id(2, at: 330)

    @Test("a client that comes before the run gets every event and the close")
    func before() async throws {
        try await GatewayServer.run { gateway in
            for execution in [old, fresh] {
                let events = Executions.run(execution, count: 8)
                let client = try await gateway.stream(execution)
                for event in events { gateway.bus.publish(event) }
                try await client.expect(events)
                try await client.expectEnd()
            }
        }
    }

    @Test("a client that comes during the run gets what was and what follows")
    func during() async throws {
        try await GatewayServer.run { gateway in
            for execution in [old, fresh] {
                let events = Executions.run(execution, count: 8)
                let first = try await gateway.stream(execution)
                for event in events[..<4] { gateway.bus.publish(event) }
                try await first.expect(Array(events[..<4]))
                let second = try await gateway.stream(execution)
                try await second.expect(Array(events[..<4]))
                for event in events[4...] { gateway.bus.publish(event) }
                for client in [first, second] {
                    try await client.expect(Array(events[4...]))
                    try await client.expectEnd()
                }
            }
        }
    }

    @Test("a client that comes after the run gets all of it, from memory or from history")
    func after() async throws {
        try await GatewayServer.run { gateway in
            let events = Executions.run(old, count: 600)
            gateway.bus.store(events)
            for _ in 0..<2 {
                let client = try await gateway.stream(old)
                try await client.expect(events)
                try await client.expectEnd()
            }
            // 600 events are three pages; the second client needed none.
            #expect(gateway.bus.state.withLock { $0.historyCallCount } == 3)
        }
    }

    @Test("after=N gives what follows N, also when the run has long ended")
    func position() async throws {
        try await GatewayServer.run { gateway in
            let events = Executions.run(old, count: 8)
            gateway.bus.store(events)
            for after in [3, 7, 8] {
                let client = try await gateway.stream(old, "?after=\(after)")
                try await client.expect(Array(events[after...]))
                try await client.expectEnd()
            }
        }
    }

    @Test("a run that began before the gateway is whole: history and live meet without gap or duplicate")
    func joined() async throws {
        try await GatewayServer.run { gateway in
            let events = Executions.run(old, count: 8)
            gateway.bus.store(Array(events[..<3]))
            gateway.bus.holdHistory()
            let client = try await gateway.stream(old)
            await gateway.bus.waitForHeld(1)
            // While history is read, live events come, one twice and one that history has too.
            gateway.bus.publish(events[3], events[4])
            gateway.bus.deliver([events[2], events[4]])
            gateway.bus.releaseHistory()
            try await client.expect(Array(events[..<5]))
            for event in events[5...] { gateway.bus.publish(event) }
            try await client.expect(Array(events[5...]))
            try await client.expectEnd()
        }
    }

    @Test("duplicates and replayed runs are dropped")
    func duplicates() async throws {
        try await GatewayServer.run { gateway in
            let events = Executions.run(fresh, count: 6)
            let client = try await gateway.stream(fresh)
            gateway.bus.publish(events[0], events[1])
            gateway.bus.deliver([events[1], events[0], events[1]])
            gateway.bus.publish(events[2], events[3])
            gateway.bus.deliver(Array(events[..<4]))
            gateway.bus.publish(events[4], events[5])
            try await client.expect(events)
            try await client.expectEnd()
        }
    }

    @Test("a gap is held until history fills it")
    func gap() async throws {
        try await GatewayServer.run { gateway in
            let events = Executions.run(fresh, count: 6)
            let client = try await gateway.stream(fresh)
            gateway.bus.publish(events[0])
            gateway.bus.store(Array(events[1...2]))
            gateway.bus.publish(events[3])
            try await client.expect(Array(events[..<4]))
            // And one that comes late on the topic itself.
            gateway.bus.deliver([events[5], events[4]])
            gateway.bus.store(events)
            try await client.expect(Array(events[4...]))
            try await client.expectEnd()
        }
    }

    @Test("what history cannot give is announced, then the stream goes on")
    func missing() async throws {
        try await GatewayServer.run { gateway in
            let events = Executions.run(old, count: 8)
            gateway.bus.store(Array(events[4..<6]))
            gateway.bus.state.withLock { $0.isWhole = false }
            let client = try await gateway.stream(old, "?after=1")
            let snapshot = try JSONValue(parsing: try await client.message().payload)
            #expect(snapshot["type"] == "stream_snapshot")
            #expect(snapshot["execution_id"]?.stringValue == old.description)
            #expect(snapshot["missing_from"] == 2)
            #expect(snapshot["missing_to"] == 4)
            #expect(snapshot["sequence"] == nil)
            try await client.expect(Array(events[4..<6]))
            gateway.bus.publish(events[6], events[7])
            try await client.expect(Array(events[6...]))
            try await client.expectEnd()
        }
    }

    @Test("a gap that nobody can fill is announced after the last retry")
    func hopelessGap() async throws {
        try await GatewayServer.run(GatewayConfiguration(gapRetryDelay: .milliseconds(1), gapRetriesMax: 3)) {
            gateway in
            let events = Executions.run(fresh, count: 4)
            let client = try await gateway.stream(fresh)
            gateway.bus.deliver([events[0], events[3]])
            try await client.expect([events[0]])
            let snapshot = try JSONValue(parsing: try await client.message().payload)
            #expect(snapshot["missing_from"] == 2)
            #expect(snapshot["missing_to"] == 3)
            try await client.expect([events[3]])
            try await client.expectEnd()
            #expect(gateway.bus.state.withLock { $0.historyCallCount } == 4)
        }
    }

    @Test("a bus that is down for a while costs time, not events")
    func brokenBus() async throws {
        try await GatewayServer.run(GatewayConfiguration(gapRetryDelay: .milliseconds(1))) { gateway in
            let events = Executions.run(fresh, count: 8)
            let client = try await gateway.stream(fresh)
            for event in events[..<3] { gateway.bus.publish(event) }
            try await client.expect(Array(events[..<3]))
            gateway.bus.state.withLock { $0.historyError = BusError(.unavailable, "down") }
            gateway.bus.breakSubscriptions()
            gateway.bus.store(Array(events[3..<6]))
            await gateway.bus.waitForSubscription()
            gateway.bus.state.withLock { $0.historyError = nil }
            for event in events[6...] { gateway.bus.publish(event) }
            try await client.expect(Array(events[3...]))
            try await client.expectEnd()
        }
    }

    @Test("a history scan that began before the subscription broke does not vouch for what passed meanwhile")
    func staleScan() async throws {
        try await GatewayServer.run { gateway in
            let events = Executions.run(old, count: 4)
            gateway.bus.store(Array(events[..<2]))
            gateway.bus.holdHistory()
            let client = try await gateway.stream(old)
            await gateway.bus.waitForHeld(1)
            gateway.bus.breakSubscriptions()
            gateway.bus.store(Array(events[2...]))
            await gateway.bus.waitForSubscription()
            gateway.bus.releaseHistory()
            try await client.expect(events)
            try await client.expectEnd()
        }
    }

    @Test("an invalid execution or position is a problem before the upgrade")
    func invalid() async throws {
        try await GatewayServer.run { gateway in
            for path in ["nonsense", "01970F00-0000-7000-8000-000000000000", "\(old)?after=-1", "\(old)?after=x"] {
                let reply = try await gateway.server.client().upgrade("/api/v1/workflows/stream/\(path)")
                #expect(reply.status == 400, "\(path)")
                #expect(reply.header("content-type") == "application/problem+json")
            }
        }
    }

    @Test("clients beyond the limit are refused with 503")
    func clientLimit() async throws {
        try await GatewayServer.run(GatewayConfiguration(clientsMax: 1)) { gateway in
            let client = try await gateway.stream(fresh)
            let refused = try await gateway.server.client().upgrade("/api/v1/workflows/stream/\(fresh)")
            #expect(refused.status == 503)
            gateway.bus.publish(Executions.event(fresh, 1, of: 1))
            _ = try await client.message()
            try await client.expectEnd()
        }
    }

    @Test("server-sent events have the sequence as id, the type, the bytes, and go on after Last-Event-ID")
    func serverSentEvents() async throws {
        try await GatewayServer.run { gateway in
            let events = Executions.run(old, count: 5)
            gateway.bus.store(events)
            for (headers, after) in [([], 0), ([("last-event-id", "3")], 3)] {
                let client = try await gateway.server.client()
                try await client.send("GET", "/api/v1/workflows/stream/\(old)?after=0", headers: headers)
                #expect(try await client.head().status == 200)
                for event in events[after...] {
                    let received = try await client.serverSentEvent()
                    #expect(
                        received
                            == .init(
                                id: "\(event.sequence)", type: event.type,
                                data: String(decoding: event.bytes, as: UTF8.self)))
                }
                #expect(try await client.serverSentEvent() == nil)
            }
        }
    }

    @Test("a slow client holds up nobody, memory stays bounded, and it gets everything in the end")
    func slowClient() async throws {
        let configuration = GatewayConfiguration(memoryBytesMax: 1 << 20)
        try await GatewayServer.run(configuration, streams: .init(pendingBytesMax: 128 << 10)) { gateway in
            // 20 MB: more than the kernel's buffers, the connection's queue and the gateway's memory together.
            let events = Executions.run(fresh, count: 2000, size: 10_000)
            let slow = try await gateway.stream(fresh)
            try await slow.setReading(false)
            let quick = try await gateway.stream(fresh)
            for event in events {
                gateway.bus.publish(event)
                try await quick.expect([event])
            }
            try await quick.expectEnd()
            let health = try await gateway.server.client().request("GET", "/health")
            let memory = try JSONValue(parsing: health.body)["parts"]?["gateway"]?["memory_bytes"]?.intValue
            #expect(try #require(memory) <= 2 << 20)
            try await slow.setReading(true)
            try await slow.expect(events)
            try await slow.expectEnd()
        }
    }

    @Test("at most four history scans run at a time, one for each execution")
    func scanLimit() async throws {
        try await GatewayServer.run(GatewayConfiguration(scansPerOwnerMax: 4)) { gateway in
            gateway.bus.holdHistory()
            var clients: [(TestClient, [EncodedEvent])] = []
            for index in 0..<10 {
                let events = Executions.run(Executions.id(UInt64(10 + index)), count: 3)
                gateway.bus.store(events)
                for _ in 0..<2 { clients.append((try await gateway.stream(events[0].executionID), events)) }
            }
            await gateway.bus.waitForHeld(4)
            gateway.bus.releaseHistory()
            for (client, events) in clients {
                try await client.expect(events)
                try await client.expectEnd()
            }
            #expect(gateway.bus.state.withLock { $0.runningCountMax } == 4)
            #expect(gateway.bus.state.withLock { $0.historyCallCount } == 10)
        }
    }

    @Test("one caller's many searches leave a place for another's")
    func fairScans() async throws {
        var callers = CallerDirectory()
        for name in ["flood", "other"] {
            _ = callers.add(Caller(name: name, roles: [.viewer]), token: "\(name)-token-0123456789")
        }
        try await GatewayServer.run(callers: callers) { gateway in
            gateway.bus.holdHistory()
            var flood: [TestClient] = []
            for index in 0..<50 {
                let id = Executions.id(UInt64(100 + index))
                flood.append(try await gateway.stream(id, token: "flood-token-0123456789"))
            }
            await gateway.bus.waitForHeld(3)
            let events = Executions.run(old, count: 3)
            gateway.bus.store(events)
            let client = try await gateway.stream(old, token: "other-token-0123456789")
            // The fourth: it did not wait for any of the others.
            await gateway.bus.waitForHeld(4)
            #expect(gateway.bus.state.withLock { $0.historyCallCount } == 4)
            gateway.bus.releaseHistory()
            try await client.expect(events)
            try await client.expectEnd()
            withExtendedLifetime(flood) {}
        }
    }

    @Test("an identifier whose time is still to come is refused without a search")
    func future() async throws {
        try await GatewayServer.run { gateway in
            var random = SystemRandomNumberGenerator()
            let execution = ExecutionID(at: try #require(Timestamp("2026-01-05T10:07:00Z")), using: &random)
            let reply = try await gateway.server.client().upgrade("/api/v1/workflows/stream/\(execution)")
            #expect(reply.status == 400)
            #expect(gateway.bus.state.withLock { $0.historyCallCount } == 0)
        }
    }

    /// What a snapshot says is missing; nil for where it ends if that is not known.
    private func missing(_ client: TestClient) async throws -> [Int?] {
        let snapshot = try JSONValue(parsing: try await client.message().payload)
        #expect(snapshot["type"] == "stream_snapshot")
        return [snapshot["missing_from"]?.intValue, snapshot["missing_to"]?.intValue].map { $0.map { Int($0) } }
    }

    @Test(
        "an execution older than what the topic keeps is not searched for: the loss is announced, and it goes on live",
        arguments: ["1970-01-01T00:00:00Z", "2025-12-27T09:00:00Z"])
    func retention(time: String) async throws {
        try await GatewayServer.run(GatewayConfiguration(retention: .seconds(7 * 86_400))) { gateway in
            var random = SystemRandomNumberGenerator()
            let long = ExecutionID(at: try #require(Timestamp(time)), using: &random)
            let events = Executions.run(long, count: 6)
            gateway.bus.store(Array(events[..<3]))
            let first = try await gateway.stream(long)
            #expect(try await missing(first) == [1, nil])
            gateway.bus.publish(events[3])
            #expect(try await missing(first) == [1, 3])
            try await first.expect([events[3]])
            // Who comes when memory holds some of it is told what is lost, and gets the rest.
            for (after, lost) in [(0, [1, 3]), (2, [3, 3])] as [(Int, [Int?])] {
                let later = try await gateway.stream(long, "?after=\(after)")
                #expect(try await missing(later) == lost)
                try await later.expect([events[3]])
            }
            gateway.bus.publish(events[4], events[5])
            try await first.expect(Array(events[4...]))
            try await first.expectEnd()
            #expect(gateway.bus.state.withLock { $0.historyCallCount } == 0)
        }
    }

    @Test("after an interruption the events of an old execution that passed meanwhile are read from history")
    func retentionInterrupted() async throws {
        try await GatewayServer.run(GatewayConfiguration(retention: .seconds(7 * 86_400))) { gateway in
            var random = SystemRandomNumberGenerator()
            let long = ExecutionID(at: try #require(Timestamp("2025-12-01T00:00:00Z")), using: &random)
            let events = Executions.run(long, count: 6)
            let client = try await gateway.stream(long)
            #expect(try await missing(client) == [1, nil])
            gateway.bus.publish(events[2])
            #expect(try await missing(client) == [1, 2])
            try await client.expect([events[2]])
            gateway.bus.breakSubscriptions()
            gateway.bus.store(Array(events[3...]))
            await gateway.bus.waitForSubscription()
            try await client.expect(Array(events[3...]))
            try await client.expectEnd()
        }
    }

    @Test("a stream asked for after its end is 204 over server-sent events, from memory and from history")
    func over() async throws {
        try await GatewayServer.run { gateway in
            let events = Executions.run(old, count: 3)
            gateway.bus.store(events)
            let path = "/api/v1/workflows/stream/\(old)"
            let client = try await gateway.server.client()
            for _ in 0..<2 {
                #expect(try await client.request("GET", path, headers: [("last-event-id", "3")]).status == 204)
                let rest = try await client.request("GET", "\(path)?after=2")
                #expect(rest.status == 200 && rest.text.contains("id: 3\n"))
            }
            // History was asked once, for all of them.
            #expect(gateway.bus.state.withLock { $0.historyCallCount } == 1)
            // Nothing is known of it, so it may begin yet.
            let unknown = try await gateway.server.client()
            try await unknown.send("GET", "/api/v1/workflows/stream/\(Executions.id(77))?after=3")
            #expect(try await unknown.head().status == 200)
        }
    }

    @Test("an unknown execution is looked for once in a while, not for every client")
    func unknown() async throws {
        // Longer than any machine takes for it.
        try await GatewayServer.run(GatewayConfiguration(unknownRetention: .seconds(3600))) { gateway in
            for _ in 0..<3 {
                let client = try await gateway.stream(old)
                let events = Executions.run(Executions.id(99, at: 330), count: 1)
                // A stream of its own shows that the unknown one has been looked for.
                let other = try await gateway.stream(events[0].executionID)
                gateway.bus.publish(events[0])
                try await other.expect(events)
                try await client.send(frame: 8, payload: [3, 232])
                _ = try await client.message()
                try await client.end()
            }
            #expect(gateway.bus.state.withLock { $0.historyCallCount } == 1)
        }
    }

    @Test("a thousand clients of a thousand runs each get their own events")
    func thousand() async throws {
        try await GatewayServer.run { gateway in
            var clients: [(TestClient, [EncodedEvent])] = []
            for index in 0..<1000 {
                let events = Executions.run(Executions.id(UInt64(1000 + index), at: 330), count: 3)
                clients.append((try await gateway.stream(events[0].executionID), events))
            }
            for step in 0..<3 {
                for (_, events) in clients { gateway.bus.publish(events[step]) }
            }
            for (client, events) in clients {
                try await client.expect(events)
                #expect(try await client.message().closeCode == 1000)
            }
        }
    }
}
