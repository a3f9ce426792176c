package import WorkflowEngine
package import WorkflowModel

/// Executions and requests to write, made from a seed.
package struct Sample: Sendable {
    private var random: SeededGenerator
    private var milliseconds: Int64 = 0
    package static let start = Timestamp(microseconds: 1_767_607_200_000_000)

    package init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// Each later than the one before.
    package mutating func execution() -> ExecutionID {
        milliseconds += 1
        return ExecutionID(at: Self.start + .milliseconds(milliseconds), using: &random)
    }

    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    package mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    package static func event(
        _ execution: ExecutionID, sequence: Int, isFinal: Bool = false, workflow: String = "review",
        bytes: [UInt8]? = nil
    ) -> EncodedEvent {
        EncodedEvent(
            executionID: execution, workflow: workflow, sequence: sequence,
            type: isFinal ? "execution_completed" : sequence == 1 ? "execution_started" : "step_completed",
            time: start + .microseconds(Int64(sequence) * 1_001), isFinal: isFinal,
            bytes: bytes ?? Array(#"{"id":"\#(execution):\#(sequence)","text":"ä/é"}"#.utf8),
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    }

    /// `count` records after `version`, all but every third with the next event; the last is final when asked.
    package static func records(
        _ execution: ExecutionID, after version: Int, sequence: Int, count: Int, isFinal: Bool = false
    ) -> [JournalRecord] {
        var sequence = sequence
        return (1...count).map { index in
            let isLast = isFinal && index == count
            var event: EncodedEvent?
            if isLast || index % 3 != 0 {
                sequence += 1
                event = Self.event(execution, sequence: sequence, isFinal: isLast)
            }
            return JournalRecord(
                version: version + index, kind: index % 7 + 1,
                payload: index % 4 == 3 ? [] : Array(#"{"v":\#(version + index)}"#.utf8), event: event)
        }
    }

    /// A first request of one event.
    package static func start(
        _ execution: ExecutionID, isFinal: Bool = false, summary: ExecutionSummary? = nil,
        timer: AppendRequest.TimerChange = .unchanged, idempotency: IdempotencyClaim? = nil
    ) -> AppendRequest {
        AppendRequest(
            execution: execution, expectedVersion: 0,
            records: [
                JournalRecord(
                    version: 1, kind: 1, payload: [123, 125], event: event(execution, sequence: 1, isFinal: isFinal))
            ],
            summary: summary, timer: timer, idempotency: idempotency)
    }

    /// One more event on top of `version` records that all had one.
    package static func next(
        _ execution: ExecutionID, after version: Int, isFinal: Bool = false, summary: ExecutionSummary? = nil,
        timer: AppendRequest.TimerChange = .unchanged
    ) -> AppendRequest {
        AppendRequest(
            execution: execution, expectedVersion: version,
            records: [
                JournalRecord(
                    version: version + 1, kind: 2, payload: [],
                    event: event(execution, sequence: version + 1, isFinal: isFinal))
            ],
            summary: summary, timer: timer)
    }

    package static func summary(
        _ execution: ExecutionID, workflow: String = "review", status: ExecutionStatus = .running, isOpen: Bool = true,
        endedAt: Timestamp? = nil
    ) -> ExecutionSummary {
        ExecutionSummary(
            execution: execution, workflow: workflow, revision: 3, status: status, isOpen: isOpen,
            startedAt: execution.time, endedAt: endedAt, inputsDigest: [1, 2, 3])
    }
}

extension Journal {
    /// Appends one request and gives its receipt.
    @discardableResult
    package func append(_ request: AppendRequest, _ lease: JournalLease) async throws(JournalError) -> AppendReceipt {
        guard let result = await append([request], lease: lease).first else {
            throw JournalError(.inputOutput, "append gave no result")
        }
        return try result.get()
    }

    /// Every event, read in pages.
    func allEvents(pageSize: Int = 7) async throws(JournalError) -> [CommittedEvent] {
        var events: [CommittedEvent] = []
        while true {
            let page = try await self.events(after: events.last?.position, shard: 0, limit: pageSize)
            events += page
            if page.count < pageSize { return events }
        }
    }
}
