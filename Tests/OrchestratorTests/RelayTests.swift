import EventBus
import Logging
@testable import Orchestrator
import Simulation
import Testing
import WorkflowEngine
import WorkflowModel

@Suite("the relay")
struct RelayTests {
    /// A journal, a bus and a relay that runs between them for the time of `body`.
    private struct Bench {
        let journal: InMemoryJournal
        let lease: JournalLease
        let publisher: PublisherFake
        let letters = PublisherFake()

        init(
            _ publisher: PublisherFake, _ journal: InMemoryJournal = InMemoryJournal(now: { Bench.start })
        ) async throws {
            self.publisher = publisher
            self.journal = journal
            lease = try await journal.acquireLease(shard: 0)
        }

        static let start = Timestamp(microseconds: 1_767_607_200_000_000)

        func relay() -> Relay {
            var configuration = Relay.Configuration()
            configuration.retryDelayMin = .milliseconds(1)
            configuration.retryDelayMax = .milliseconds(2)
            return Relay(
                journal: journal, lease: lease, publisher: publisher,
                deadLetters: DeadLetterPublisher { [letters] () throws(BusError) in letters },
                clock: ManualWallClock(),
                configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        /// Runs a relay for the time of the body, then lets it finish or cuts it off.
        func running(isCutOff: Bool = false, _ body: (Relay) async throws -> Void) async throws {
            let relay = relay()
            let task = Task { try await relay.run() }
            try await body(relay)
            if isCutOff { task.cancel() } else { relay.finish() }
            try await task.value
        }

        /// Commits an execution of `count` events; what was committed.
        @discardableResult
        func commit(_ count: Int) async throws -> [EncodedEvent] {
            var random = SystemRandomNumberGenerator()
            let execution = ExecutionID(at: Self.start, using: &random)
            let events = (1...count).map { sequence in
                EncodedEvent(
                    executionID: execution, workflow: "w", sequence: sequence, type: "step_started",
                    time: Self.start + .milliseconds(sequence), isFinal: sequence == count,
                    bytes: Array("{\"id\":\"\(execution):\(sequence)\"}".utf8))
            }
            let records = events.map { JournalRecord(version: $0.sequence, kind: 1, payload: [], event: $0) }
            let result = await journal.append(
                [AppendRequest(execution: execution, expectedVersion: 0, records: records)], lease: lease)
            _ = try #require(result.first).get()
            return events
        }

        func committed() async throws -> [Int64] {
            try await journal.events(after: nil, shard: 0, limit: .max).map(\.position.rawValue)
        }

        var published: [Int64] { publisher.taken.map(\.position.rawValue) }
    }

    @Test("events of many executions reach the bus in journal order, each once")
    func order() async throws {
        let bench = try await Bench(PublisherFake())
        try await bench.commit(3)
        try await bench.running { relay in
            for count in 1...40 { try await bench.commit(count) }
            await bench.publisher.taken(atLeast: 823)
        }
        #expect(bench.published == (try await bench.committed()))
    }

    @Test("what is committed before the end is published before the relay ends")
    func finishes() async throws {
        let bench = try await Bench(PublisherFake())
        try await bench.running { relay in
            try await bench.commit(1)
            await bench.publisher.taken(atLeast: 1)
            try await bench.commit(5)
        }
        #expect(bench.published == (try await bench.committed()))
    }

    @Test("an event that the bus refuses for its size goes cut short, in its place, and is a dead letter")
    func tooLarge() async throws {
        let bench = try await Bench(PublisherFake())
        bench.publisher.setLimit(1_000)
        var random = SystemRandomNumberGenerator()
        let execution = ExecutionID(at: Bench.start, using: &random)
        let reason = String(repeating: "ä", count: 1_000)
        let large = EncodedEvent(
            WorkflowEvent(
                executionID: execution, workflow: "w", sequence: 1, time: Bench.start, progress: 0, isFinal: true,
                data: .executionCancelled(
                    EventData.ExecutionCancelled(reason: reason, requestedBy: "ann", progress: 0))))
        let record = JournalRecord(version: 1, kind: 1, payload: [], event: large)
        try await bench.running { relay in
            try await bench.commit(3)
            _ = await bench.journal.append(
                [AppendRequest(execution: execution, expectedVersion: 0, records: [record])], lease: bench.lease)
            try await bench.commit(3)
            await bench.publisher.taken(atLeast: 7)
            await bench.letters.taken(atLeast: 1)
            #expect(relay.standing.isReachable)
        }
        #expect(bench.published == (try await bench.committed()))
        let cut = try #require(bench.publisher.taken.first { $0.event.executionID == execution }).event
        #expect(cut.id == large.id && cut.isFinal && cut.type == large.type && cut.time == large.time)
        let json = try JSONValue(parsing: cut.bytes)
        #expect(json["data"]?["withheld"] == ["reason"] && json["data"]?["requested_by"] == "ann")
        #expect(json["data"]?["reason"]?.stringValue?.hasPrefix("äää") == true && json["final"] == true)
        #expect(try JSONSchema(EventSchemas.schema(for: .executionCancelled)).violations(of: json).isEmpty)
        let letter = try JSONValue(parsing: try #require(bench.letters.taken.first).event.bytes)
        #expect(letter["id"]?.stringValue == large.id && letter["type"] == "dead_letter")
        #expect(letter["data"]?["consumer"] == "relay" && letter["data"]?["withheld"] == ["reason"])
        #expect(letter["data"]?["bytes"] == .int(Int64(large.bytes.count)))
    }

    @Test("an outage loses nothing, keeps the order, and is said")
    func outage() async throws {
        let bench = try await Bench(PublisherFake())
        try await bench.running { relay in
            try await bench.commit(2)
            await bench.publisher.taken(atLeast: 2)
            bench.publisher.setOutage(true)
            let events = try await bench.commit(7)
            await bench.publisher.attempts(atLeast: 4)
            #expect(!relay.standing.isReachable)
            #expect(relay.standing.lastError?.contains("the bus is out") == true)
            #expect(relay.standing.oldestUnpublishedAt == events.first?.time)
            #expect(relay.standing.publishedCount == 2)
            #expect(relay.standing.backlogCount == 7)
            try await bench.commit(4)
            bench.publisher.setOutage(false)
            await bench.publisher.taken(atLeast: 13)
        }
                #expect(bench.published == (try await bench.committed()))
    }

    @Test("after an outage the relay says that all is well")
    func recovers() async throws {
        let bench = try await Bench(PublisherFake())
        bench.publisher.setOutage(true)
        let relay = bench.relay()
        let task = Task { try await relay.run() }
        try await bench.commit(6)
        await bench.publisher.attempts(atLeast: 2)
        bench.publisher.setOutage(false)
        await bench.publisher.taken(atLeast: 6)
        relay.finish()
        try await task.value
        #expect(relay.standing.isReachable && relay.standing.lastError == nil)
        #expect(relay.standing.oldestUnpublishedAt == nil && relay.standing.publishedCount == 6)
    }

    @Test("a backlog beyond the buffer is read from the journal, in order and each once")
    func backlog() async throws {
        let bench = try await Bench(PublisherFake())
        try await bench.running { relay in
            try await bench.commit(1)
            await bench.publisher.taken(atLeast: 1)
            bench.publisher.setOutage(true)
            try await bench.commit(3)
            await bench.publisher.attempts(atLeast: 2)
            let half = RelayBuffer.eventsMax / 2
            for _ in 0..<3 { try await bench.commit(half) }
            bench.publisher.setOutage(false)
            // More comes while the backlog drains.
            try await bench.commit(50)
            await bench.publisher.taken(atLeast: 4 + 3 * half + 50)
        }
        #expect(bench.published == (try await bench.committed()))
    }

    @Test("a bus that stores the position gets each event once, over a restart")
    func restartWithPosition() async throws {
        let publisher = PublisherFake(storesSourcePosition: true)
        let first = try await Bench(publisher)
        try await first.running(isCutOff: true) { _ in
            try await first.commit(5)
            await publisher.taken(atLeast: 5)
        }
        try await first.commit(3)
        let second = try await Bench(publisher, first.journal.crash())
        try await second.running { _ in
            try await second.commit(2)
            await publisher.taken(atLeast: 10)
        }
        #expect(second.published == (try await second.committed()))
    }

    @Test("where the journal keeps the position, a crash means duplicates and never loss")
    func restartWithStalePosition() async throws {
        let publisher = PublisherFake()
        let first = try await Bench(publisher)
        try await first.running(isCutOff: true) { _ in
            try await first.commit(5)
            await publisher.taken(atLeast: 5)
        }
        #expect(first.published == (try await first.committed()), "no duplicates before the crash")
        // The position was noted, and no later commit made it durable.
        let second = try await Bench(publisher, first.journal.crash())
        try await second.running { _ in
            try await second.commit(2)
            await publisher.taken(atLeast: 12)
        }
        let committed = try await second.committed()
        #expect(second.published == committed.prefix(5) + committed)
    }

    @Test("where the journal keeps the position, what it made durable is not published again")
    func restartWithNotedPosition() async throws {
        let publisher = PublisherFake()
        let first = try await Bench(publisher)
        try await first.running { _ in
            try await first.commit(5)
            await publisher.taken(atLeast: 5)
        }
        // Carries the noted position.
        try await first.commit(1)
        let second = try await Bench(publisher, first.journal.crash())
        try await second.running { _ in await publisher.taken(atLeast: 6) }
        #expect(second.published == (try await second.committed()))
    }
}

@Suite("the relay's buffer")
struct RelayBufferTests {
    private func events(_ count: Int, bytes: Int = 10) -> [CommittedEvent] {
        var random = SystemRandomNumberGenerator()
        let execution = ExecutionID(at: Timestamp(microseconds: 0), using: &random)
        return (1...count).map { sequence in
            CommittedEvent(
                position: JournalPosition(rawValue: Int64(sequence)),
                event: EncodedEvent(
                    executionID: execution, workflow: "w", sequence: sequence, type: "t",
                    time: Timestamp(microseconds: 0), isFinal: false, bytes: Array(repeating: 0, count: bytes)))
        }
    }

    @Test("it is behind until it is told to collect, and gives what it collected once")
    func collects() {
        var buffer = RelayBuffer()
        buffer.add(events(3))
        #expect(buffer.isBehind && buffer.take().isEmpty)
        buffer.collect()
        buffer.add(events(3))
        buffer.add(events(2))
        #expect(!buffer.isBehind && buffer.byteCount == 50)
        #expect(buffer.take().count == 5)
        #expect(buffer.take().isEmpty && buffer.byteCount == 0)
    }

    @Test("it holds so many events and no more")
    func eventLimit() {
        var buffer = RelayBuffer()
        buffer.collect()
        buffer.add(events(RelayBuffer.eventsMax))
        #expect(!buffer.isBehind)
        buffer.add(events(1))
        #expect(buffer.isBehind && buffer.events.isEmpty && buffer.byteCount == 0)
        buffer.add(events(1))
        #expect(buffer.events.isEmpty)
    }

    @Test("it holds so many bytes and no more")
    func byteLimit() {
        var buffer = RelayBuffer()
        buffer.collect()
        buffer.add(events(16, bytes: 1 << 20))
        #expect(!buffer.isBehind)
        buffer.add(events(1, bytes: 1))
        #expect(buffer.isBehind && buffer.byteCount == 0)
    }
}
