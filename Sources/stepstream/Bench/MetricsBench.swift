import EventBus
import EventBusEmbedded
import Glibc
import WorkflowModel

/// The metrics role over a backlog: a topic that nobody has counted, in a process of its own.
struct MetricsBench {
    static let executions = 50_000
    static let eventsPerExecution = 8
    /// Executions that are open at a time.
    static let inFlight = 64

    let plugins: String

    func measure(_ report: inout BenchReport) async throws {
        let directory = try TemporaryDirectory.make("stepstream-bench")
        defer { TemporaryDirectory.remove(directory) }
        try await Self.publish(to: directory)
        let events = Self.executions * Self.eventsPerExecution
        let server = try BenchServer(plugins: plugins, dataDirectory: directory, role: "metrics")
        defer { server.end() }
        let start = BenchClock.monotonic
        while try Self.counted(server) < events {
            guard BenchClock.monotonic - start < 600_000_000_000 else {
                throw CommandError(.failed, "the backlog was not counted within ten minutes")
            }
            usleep(20_000)
        }
        let seconds = server.startMilliseconds / 1000 + Double(BenchClock.monotonic - start) / 1e9
        let cpu = BenchServer.cpuSeconds(server.pid)
        report.add("metrics, backlog of \(events / 1000),000 events", Double(events) / seconds, "events/s")
        report.add("  on one core", Double(events) / cpu, "events/s", target: "≥ 50,000")
        report.add("  CPU per event", cpu / Double(events) * 1e6, "µs", target: "≤ 20")
        report.add("  memory (PSS)", BenchServer.pssMegabytes(server.pid), "MB", target: "≤ 60")
    }

    /// Distinct events in the exposition; 0 while there is none.
    private static func counted(_ server: BenchServer) throws -> Int {
        var connection = try HTTPConnection(port: server.port)
        let text = String(decoding: try connection.call(HTTPConnection.request("GET", "/metrics")).body, as: UTF8.self)
        return text.split(separator: "\n").filter { $0.hasPrefix("stepstream_events_total{") }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
    }

    /// Runs of three steps, interleaved, as a relay publishes them.
    private static func publish(to directory: String) async throws {
        let bus = try EmbeddedBus(dataDirectory: directory, logger: LogOutput.logger(level: "error"))
        let publisher = try await bus.publisher()
        var position: Int64 = 0
        for _ in 0..<(executions / inFlight) { try await publish(inFlight, publisher, &position) }
        try await publish(executions % inFlight, publisher, &position)
        await publisher.close()
        await bus.close()
    }

    private static func publish(
        _ count: Int, _ publisher: some EventPublisher, _ position: inout Int64
    ) async throws {
        var random = SystemRandomNumberGenerator()
        let now = SystemWallClock().now
        let executions = (0..<count).map { _ in ExecutionID(at: now, using: &random) }
        var batch: [SourcedEvent] = []
        for sequence in 1...eventsPerExecution {
            for execution in executions {
                position += 1
                batch.append(
                    SourcedEvent(
                        position: SourcePosition(rawValue: position),
                        event: EncodedEvent(
                            WorkflowEvent(
                                executionID: execution, workflow: "bench-three", sequence: sequence,
                                time: now + .microseconds(Int64(sequence) * 300), progress: (sequence - 1) / 2 * 33,
                                isFinal: sequence == eventsPerExecution, data: data(sequence, at: now)))))
            }
        }
        if !batch.isEmpty { try await publisher.publish(batch) }
    }

    private static func data(_ sequence: Int, at now: Timestamp) -> EventData {
        let number = sequence / 2
        switch sequence {
        case 1:
            return .executionStarted(
                .init(deliverableType: "bench", totalSteps: 3, startedAt: now, definitionRevision: 1))
        case eventsPerExecution:
            return .executionCompleted(
                .init(riskScore: 0, requiresApproval: false, totalSteps: 3, successfulSteps: 3))
        case _ where sequence % 2 == 0:
            return .stepStarted(
                .init(stepNumber: number, stepName: "step\(number)", function: "bench.noop", attempt: 1))
        default:
            return .stepCompleted(
                .init(
                    stepNumber: number, stepName: "step\(number)",
                    executionTimeMilliseconds: Double.random(in: 0.03...2), progress: number * 33, attempt: 1,
                    queuedMilliseconds: 0.002))
        }
    }
}
