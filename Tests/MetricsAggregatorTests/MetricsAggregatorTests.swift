import EventBus
import Logging
import ServiceLifecycle
import Synchronization
import Testing
import WebTesting
import WorkflowModel

@testable import MetricsAggregator
@testable import WebServing

@Suite("the aggregator over a bus and a store", .timeLimit(.minutes(1)))
struct MetricsAggregatorTests {
    private let topic = TopicFake()
    private let store = StoreFake()

    private static func runs(_ count: Int, seed: UInt64) -> [EncodedEvent] {
        var runs = GeneratedRuns(seed: seed)
        return (0..<count).flatMap { _ in runs.run() }
    }

    private func aggregator(now: Timestamp = GeneratedRuns.epoch) -> MetricsAggregator {
        MetricsAggregator(
            subscriber: topic, openStore: { [store] in store },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { now })
    }

    /// Runs an aggregator of its own while the body runs.
    private func running(
        now: Timestamp = GeneratedRuns.epoch, _ body: (MetricsAggregator) async throws -> Void
    ) async throws {
        let aggregator = aggregator(now: now)
        let task = Task { try await aggregator.run() }
        try await body(aggregator)
        task.cancel()
        _ = await task.result
    }

    /// Of events that came once.
    private func expect(_ events: [EncodedEvent], location: SourceLocation = #_sourceLocation) throws {
        let expected = try counted(GeneratedTopic(of: events).events).figures
        #expect(try store.model.load(AggregatorLimits()).figures == expected, sourceLocation: location)
    }

    @Test("counts what is there and what comes, over restarts, without counting anything twice")
    func restarts() async throws {
        let events = Self.runs(300, seed: 1)
        let parts = [events[..<700], events[700..<710], events[710...]]
        var count = 0
        for part in parts {
            topic.publish(Array(part))
            count += part.count
            try await running { _ in await store.wait(for: Int64(count)) }
        }
        try expect(events)
        // Every start begins at the last event counted, to see whether the topic is the same.
        #expect(topic.starts == [.positions([]), Self.position(699), Self.position(709)])
    }

    @Test("goes on when the bus and the store are back")
    func faults() async throws {
        let events = Self.runs(60, seed: 2)
        topic.publish(Array(events[..<100]))
        try await running { aggregator in
            await store.wait(for: 100)
            #expect(await aggregator.health().isReady)
            topic.fail(BusError(.unavailable, "no broker"))
            while await aggregator.health().isReady { await Task.yield() }
            let families = await aggregator.families()
            #expect(Self.number("stepstream_metrics_following", families) == 0)
            #expect(Self.number("stepstream_metrics_lag_events", families)?.isNaN == true)
            #expect(Self.number("stepstream_events_late_total", families) == 0, "what is counted stays shown")
            topic.mend()
            store.refuse(2)
            topic.publish(Array(events[100...]))
            await store.wait(for: Int64(events.count))
        }
        try expect(events)
    }

    @Test("shows an unknown lag at once while the bus does not answer, and asks it one question at a time")
    func silence() async throws {
        let events = Self.runs(5, seed: 4)
        topic.publish(events)
        let (silence, end) = AsyncStream<Void>.makeStream()
        topic.silence.withLock { $0 = Task { for await _ in silence {} } }
        try await running { aggregator in
            await store.wait(for: Int64(events.count))
            let start = ContinuousClock.now
            await withTaskGroup { group in
                for _ in 0..<8 { group.addTask { await aggregator.families() } }
                for await families in group {
                    #expect(Self.number("stepstream_metrics_lag_events", families)?.isNaN == true)
                }
            }
            #expect(ContinuousClock.now - start < .seconds(2))
            #expect(topic.lagQuestions.withLock { $0 } == 1)
            end.finish()
            var lag = Double.nan
            while lag.isNaN { lag = Self.number("stepstream_metrics_lag_events", await aggregator.families()) ?? .nan }
            #expect(lag == 0)
        }
    }

    @Test("counts the same over a crash at every commit, before it and after it", arguments: [false, true])
    func crashes(isDone: Bool) async throws {
        let events = Self.runs(30, seed: 9)
        let parts = [events[..<40], events[40..<80], events[80...]]
        var number = 0
        var isBeyond = false
        while !isBeyond {
            number += 1
            try #require(number < 100, "the commits do not end")
            let bench = MetricsAggregatorTests()
            bench.store.crash(at: number, isDone: isDone)
            try await bench.running { _ in
                var count = 0
                for part in parts {
                    bench.topic.publish(Array(part))
                    count += part.count
                    await bench.store.wait(for: Int64(count))
                }
            }
            try bench.expect(events)
            isBeyond = bench.store.commitCount < number
        }
        #expect(number > parts.count)
    }

    @Test("a topic that was lost and grew anew is counted from its beginning")
    func anotherTopic() async throws {
        let (old, new) = (Self.runs(20, seed: 3), Self.runs(90, seed: 4))
        topic.publish(old)
        try await running { _ in
            await store.wait(for: Int64(old.count))
            topic.replace(with: new)
            await store.wait(for: Int64(new.count))
        }
        try expect(old + new)
        #expect(topic.starts.last == .beginning)
        // The same after a restart, with a topic that is shorter than what was read.
        let third = Self.runs(1, seed: 5)
        topic.replace(with: third)
        try await running { _ in await store.wait(for: Int64(third.count)) }
        try expect(old + new + third)
    }

    @Test("forgets ended executions a retention after their end, and keeps the open ones")
    func forgetting() async throws {
        let old = Self.runs(120, seed: 8)
        var random = SplitMix(state: 8)
        let time = GeneratedRuns.epoch + .seconds(9 * 86_400)
        func later() -> [EncodedEvent] {
            var list = EventList(execution: ExecutionID(at: time, using: &random), workflow: "flow")
            list.time = time
            list.add(.executionCancelled(.init(reason: "", requestedBy: "", progress: 0)), isFinal: true)
            return list.events
        }
        let open = Set(old.map(\.executionID)).subtracting(old.filter(\.isFinal).map(\.executionID))
        try #require(!open.isEmpty)
        let new = later() + later()
        topic.publish(old + new[..<1])
        try await running(now: time) { _ in
            await store.wait(for: Int64(old.count + 1))
            // What is forgotten goes with the next transaction.
            topic.publish(Array(new[1...]))
            await store.wait(for: Int64(old.count + 2))
        }
        let kept = store.model.entries.keys.compactMap { $0.hasPrefix("x/") ? ExecutionID($0.dropFirst(2)) : nil }
        #expect(Set(kept) == open.union(new.map(\.executionID)))
        try expect(old + new)
    }

    @Test("an entry that another release wrote stops counting, not the process")
    func unreadable() async throws {
        try await store.commit([ConsumerChange(key: "t", value: [99])], positions: [])
        try await running { aggregator in
            while await aggregator.health().detail?.contains("move the file away") != true { await Task.yield() }
            let health = await aggregator.health()
            #expect(!health.isReady && !health.isHealthy)
        }
    }

    @Test("serves statistics, and says so while there are none")
    func statistics() async throws {
        try await TestServer.run(providers: [aggregator()]) { server in
            let reply = try await server.client().request("GET", "/api/v1/statistics")
            #expect(reply.status == 503 && reply.text.contains("statistics_unavailable"))
        }
        let aggregator = aggregator()
        topic.publish(Self.runs(20, seed: 6))
        let end = Int64(Self.runs(20, seed: 6).count)
        try await TestServer.run(providers: [aggregator], services: [aggregator]) { server in
            await store.wait(for: end)
            var json: JSONValue = .null
            while json["lag_events"] != 0 {
                json = try JSONValue(parsing: try await server.client().request("GET", "/api/v1/statistics").text)
            }
            #expect(json["windows"]?.arrayValue?.map { $0["window"] } == ["1h", "24h", "7d"])
            #expect(json["up_to"]?.stringValue != nil)
        }
    }

    private static func position(_ offset: Int64) -> SubscriptionOptions.Start {
        .positions([TopicPosition(partition: 0, nextOffset: offset)])
    }

    private static func number(_ name: String, _ families: [MetricFamily]) -> Double? {
        guard let family = families.first(where: { $0.name == name }), let series = family.series.first,
            case .number(let value) = series.value
        else { return nil }
        return value
    }
}
