import EventBus
import EventBusKafka
import Glibc
import JournalSQLite
import Logging
import Orchestrator
import Synchronization
import WorkflowEngine
import WorkflowModel

/// A journal of its own with a relay to Kafka, and nothing that executes.
final class BenchJournal: Sendable {
    /// A relay that runs.
    struct RunningRelay {
        let relay: Relay
        let task: Task<Void, any Error>

        /// Cuts it off.
        func end() async {
            task.cancel()
            relay.finish()
            _ = await task.result
        }
    }

    static let eventsPerExecution = 8
    static let executionsPerAppend = 64

    let publisher: TimedPublisher
    private let bus: KafkaBus
    private let journal: SQLiteJournal
    private let lease: JournalLease
    private let directory: String
    private let logger: Logger

    init(configuration: KafkaBusConfiguration, logger: Logger) async throws {
        directory = try TemporaryDirectory.make("stepstream-bench")
        journal = try SQLiteJournal(at: directory, logger: logger)
        lease = try await journal.acquireLease(shard: 0)
        bus = try KafkaBus(configuration: configuration, logger: logger)
        publisher = TimedPublisher(try await bus.publisher())
        self.logger = logger
    }

    func startRelay() -> RunningRelay {
        let relay = Relay(
            journal: journal, lease: lease, publisher: publisher, clock: SystemWallClock(),
            configuration: Relay.Configuration(), logger: logger)
        return RunningRelay(relay: relay, task: Task { try await relay.run() })
    }

    /// One event of an execution of its own; its commit is timed.
    func appendOne() async throws {
        let execution = ExecutionID(at: SystemWallClock().now)
        for result in await journal.append([Self.request(execution, count: 1)], lease: lease) { _ = try result.get() }
        publisher.committed(execution)
    }

    /// So many events, at least, as fast as the journal takes them.
    func append(_ count: Int) async throws {
        var left = count
        while left > 0 {
            let executions = min(
                Self.executionsPerAppend, (left + Self.eventsPerExecution - 1) / Self.eventsPerExecution)
            let now = SystemWallClock().now
            let requests = (0..<executions).map { _ in
                Self.request(ExecutionID(at: now), count: Self.eventsPerExecution)
            }
            for result in await journal.append(requests, lease: lease) { _ = try result.get() }
            left -= executions * Self.eventsPerExecution
        }
    }

    /// The journal's file and its log.
    var fileBytes: Int {
        ["journal.sqlite", "journal.sqlite-wal"].reduce(0) { sum, name in
            var status = stat()
            return sum + (stat("\(directory)/\(name)", &status) == 0 ? Int(status.st_size) : 0)
        }
    }

    func close() async {
        await publisher.close()
        await bus.close()
        await journal.close()
        TemporaryDirectory.remove(directory)
    }

    static func event(_ execution: ExecutionID, sequence: Int) -> EncodedEvent {
        EncodedEvent(
            WorkflowEvent(
                executionID: execution, workflow: "bench", sequence: sequence, time: SystemWallClock().now,
                progress: 33,
                isFinal: sequence == eventsPerExecution,
                data: .stepCompleted(
                    EventData.StepCompleted(
                        stepNumber: 1, stepName: "one", executionTimeMilliseconds: 0.043, progress: 33, attempt: 1,
                        queuedMilliseconds: 0.002))))
    }

    private static func request(_ execution: ExecutionID, count: Int) -> AppendRequest {
        AppendRequest(
            execution: execution, expectedVersion: 0,
            records: (1...count).map { number in
                JournalRecord(version: number, kind: 3, payload: [], event: event(execution, sequence: number))
            })
    }
}

extension ExecutionID {
    init(at time: Timestamp) {
        var random = SystemRandomNumberGenerator()
        self.init(at: time, using: &random)
    }
}

/// A publisher that notes when the bus acknowledged which execution's event.
final class TimedPublisher: EventPublisher {
    private struct State {
        var count = 0
        var awaited: (count: Int, continuation: CheckedContinuation<Void, Never>)?
        var committedAt: [ExecutionID: UInt64] = [:]
        var reportedAt: [ExecutionID: UInt64] = [:]
    }

    private let publisher: any EventPublisher
    private let state = Mutex(State())

    init(_ publisher: any EventPublisher) { self.publisher = publisher }

    var storesSourcePosition: Bool { publisher.storesSourcePosition }
    func sourcePosition() async throws(BusError) -> SourcePosition? { try await publisher.sourcePosition() }
    func publishActivity(_ activity: EncodedActivity) { publisher.publishActivity(activity) }
    func close() async { await publisher.close() }

    func publish(_ batch: [SourcedEvent]) async throws(BusError) {
        try await publisher.publish(batch)
        let now = BenchClock.monotonic
        let reached = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.count += batch.count
            for sourced in batch { state.reportedAt[sourced.event.executionID] = now }
            guard let awaited = state.awaited, state.count >= awaited.count else { return nil }
            state.awaited = nil
            return awaited.continuation
        }
        reached?.resume()
    }

    func committed(_ execution: ExecutionID) {
        let now = BenchClock.monotonic
        state.withLock { $0.committedAt[execution] = now }
    }

    /// Returns once so many events are acknowledged.
    func published(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.count < count { state.awaited = (count, continuation) }
                return state.count >= count
            }
            if isReached { continuation.resume() }
        }
    }

    /// Milliseconds from the return of the append to the acknowledgement; 0 where that came first.
    func latencies() -> Sample {
        state.withLock { state in
            var sample = Sample()
            for (execution, committed) in state.committedAt {
                guard let reported = state.reportedAt[execution] else { continue }
                sample.add(reported > committed ? Double(reported - committed) / 1e6 : 0)
            }
            return sample
        }
    }
}
