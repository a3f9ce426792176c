import JournalSQLite
import WorkflowEngine
import WorkflowModel

/// CPU of encoding and inserting one event: batches of 32 with events minus the same without.
struct EventCostBench {
    static let batchSize = 32
    static let batches = 400

    func measure(_ report: inout BenchReport) async throws {
        // Alternating, so that a machine that slows down meanwhile slows both.
        var with = 0.0
        var without = 0.0
        for _ in 0..<3 {
            with += try await cpuMicroseconds(withEvents: true)
            without += try await cpuMicroseconds(withEvents: false)
        }
        let events = Double(3 * Self.batches * Self.batchSize)
        report.add("event cost, encode + insert, batch of 32", (with - without) / events, "µs CPU", target: "≤ 20")
    }

    private func cpuMicroseconds(withEvents: Bool) async throws -> Double {
        let directory = try TemporaryDirectory.make("stepstream-bench")
        defer { TemporaryDirectory.remove(directory) }
        let journal = try SQLiteJournal(at: directory, logger: LogOutput.logger(level: "error"))
        let lease = try await journal.acquireLease(shard: 0)
        var random = SystemRandomNumberGenerator()
        let now = SystemWallClock().now
        let executions = (0..<Self.batchSize).map { _ in ExecutionID(at: now, using: &random) }
        let payload = JSONValue.object(JSONObject([("path", "one"), ("attempt", 1), ("output", BenchWorkflow.order)]))
            .encoded
        let start = BenchClock.ownCPU
        for batch in 0..<Self.batches {
            let requests = executions.map { execution in
                AppendRequest(
                    execution: execution, expectedVersion: batch,
                    records: [
                        JournalRecord(
                            version: batch + 1, kind: 3, payload: payload,
                            event: withEvents ? Self.event(execution, sequence: batch + 1, at: now) : nil)
                    ])
            }
            for result in await journal.append(requests, lease: lease) { _ = try result.get() }
        }
        let microseconds = Double(BenchClock.ownCPU - start) / 1_000
        await journal.close()
        return microseconds
    }

    private static func event(_ execution: ExecutionID, sequence: Int, at now: Timestamp) -> EncodedEvent {
        EncodedEvent(
            WorkflowEvent(
                executionID: execution, workflow: "bench-three", sequence: sequence, time: now, progress: 33,
                isFinal: false,
                data: .stepCompleted(
                    EventData.StepCompleted(
                        stepNumber: 1, stepName: "one", executionTimeMilliseconds: 0.043, progress: 33, attempt: 1,
                        queuedMilliseconds: 0.002))))
    }
}
