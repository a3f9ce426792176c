import EventBus
import EventBusKafka
import Glibc
import JournalSQLite
import Logging
import Orchestrator
import WorkflowEngine
import WorkflowModel

/// Journal, relay and Kafka publisher without executions: what publishing takes, how fast a backlog drains, and what a
/// broker that is away costs.
///
/// Uses a topic of its own, named `stepstream.bench.` and a number, which it leaves behind for an hour.
struct KafkaBench {
    let bootstrap: String

    static let publishSeconds = 10
    static let publishers = 4
    static let eventsPerSecond = 1_000
    static let floorCount = 2_000
    static let drainEvents = 200_000
    static let awayEvents = 1_000_000
    /// Written before memory is first read, so that caches are full.
    static let warmUpEvents = 50_000

    private var configuration: KafkaBusConfiguration {
        var configuration = KafkaBusConfiguration(bootstrap: bootstrap)
        configuration.topics.events = "stepstream.bench.\(getpid())"
        configuration.retention = .seconds(3600)
        return configuration
    }

    /// Commit to delivery report at 1,000 events a second, beside the raw floor.
    func publish(_ report: inout BenchReport) async throws {
        let configuration = configuration
        let logger = LogOutput.logger(level: "error")
        var floor = Sample()
        let event = BenchJournal.event(ExecutionID(at: SystemWallClock().now), sequence: 1)
        for time in try await ProduceFloor.measure(
            configuration, value: event.bytes, count: Self.floorCount, logger: logger)
        { floor.add(time) }
        report.add("floor: raw produce → delivery report", floor, "µs")

        let bench = try await BenchJournal(configuration: configuration, logger: logger)
        let relay = bench.startRelay()
        let start = ContinuousClock.now
        let count = Self.eventsPerSecond * Self.publishSeconds
        let cpu = BenchClock.ownCPU
        try await withThrowingTaskGroup(of: Void.self) { group in
            for publisher in 0..<Self.publishers {
                group.addTask {
                    for index in stride(from: publisher, to: count, by: Self.publishers) {
                        let due = start + .nanoseconds(index * 1_000_000_000 / Self.eventsPerSecond)
                        try await Task.sleep(until: due)
                        try await bench.appendOne()
                    }
                }
            }
            try await group.waitForAll()
        }
        await bench.publisher.published(count)
        report.add(
            "CPU an event at 1,000/s, append and publish", Double(BenchClock.ownCPU - cpu) / 1000 / Double(count),
            "µs CPU")
        report.add(
            "commit → delivery report, 1,000 events/s", bench.publisher.latencies(), "ms", p50: "≤ 1", p99: "≤ 5")
        await relay.end()
        await bench.close()
    }

    /// A backlog from the journal to the broker.
    func drain(_ report: inout BenchReport) async throws {
        let bench = try await BenchJournal(configuration: configuration, logger: LogOutput.logger(level: "error"))
        try await bench.append(Self.drainEvents)
        let cpu = BenchClock.ownCPU
        let start = BenchClock.monotonic
        let relay = bench.startRelay()
        await bench.publisher.published(Self.drainEvents)
        let seconds = Double(BenchClock.monotonic - start) / 1e9
        report.add(
            "drain of \(Self.drainEvents) events", Double(Self.drainEvents) / seconds, "events/s", target: "≥ 30000")
        report.add(
            "  CPU an event", Double(BenchClock.ownCPU - cpu) / 1000 / Double(Self.drainEvents), "µs CPU",
            target: "≤ 20")
        await relay.end()
        await bench.close()
    }

    /// A million events that no broker takes.
    func away(_ report: inout BenchReport) async throws {
        var configuration = configuration
        // The discard port of this machine, where nobody listens.
        configuration.bootstrap = "127.0.0.1:9"
        let bench = try await BenchJournal(configuration: configuration, logger: LogOutput.logger(level: "critical"))
        let relay = bench.startRelay()
        try await bench.append(Self.warmUpEvents)
        let memory = BenchServer.pssMegabytes(getpid())
        let bytes = bench.fileBytes
        try await bench.append(Self.awayEvents)
        report.add(
            "broker away: memory growth over \(Self.awayEvents) events", BenchServer.pssMegabytes(getpid()) - memory,
            "MB",
            target: "< 32")
        report.add("  journal an event", Double(bench.fileBytes - bytes) / Double(Self.awayEvents), "bytes")
        await relay.end()
        await bench.close()
    }
}
