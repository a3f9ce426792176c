import EventBus
import FoundationEssentials
import WorkflowModel

/// Events as a journal would give them: interleaved executions, each dense and ending with its final event.
struct Workload {
    /// In journal order; positions rise by more than one now and then.
    private(set) var sourced: [SourcedEvent] = []
    private(set) var executions: [ExecutionID] = []
    private var random: SplitMix
    private var position: Int64 = 0

    init(seed: UInt64) { random = SplitMix(state: seed) }

    /// Adds `executions` runs of `length` events each, in a random interleaving; gives what was added.
    @discardableResult
    mutating func add(executions count: Int, length: Int) -> [SourcedEvent] {
        let now = Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
        let added = (0..<count).map { _ in ExecutionID(at: now, using: &random) }
        executions += added
        var sequences = Array(repeating: 0, count: count)
        var open = Array(0..<count)
        let first = sourced.count
        while !open.isEmpty {
            let slot = Int.random(in: 0..<open.count, using: &random)
            let index = open[slot]
            sequences[index] += 1
            if sequences[index] == length { open.swapAt(slot, open.count - 1); open.removeLast() }
            append(added[index], sequence: sequences[index], isFinal: sequences[index] == length, time: now)
        }
        return Array(sourced[first...])
    }

    mutating func newExecution() -> ExecutionID {
        ExecutionID(at: Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000)), using: &random)
    }

    func events(of execution: ExecutionID) -> [EncodedEvent] {
        sourced.map(\.event).filter { $0.executionID == execution }
    }

    private mutating func append(_ execution: ExecutionID, sequence: Int, isFinal: Bool, time: Timestamp) {
        position += Int64.random(in: 1...3, using: &random)
        // Not what the encoder writes, on purpose: the bus must carry bytes, not events.
        let filler = String(repeating: "é/\\u00e9😀", count: Int.random(in: 0...12, using: &random))
        let text = "{\"id\":\"\(execution):\(sequence)\",\"final\":\(isFinal),\"data\":{\"note\":\"\(filler)\"}}"
        let isTraced = Bool.random(using: &random)
        sourced.append(
            SourcedEvent(
                position: SourcePosition(rawValue: position),
                event: EncodedEvent(
                    executionID: execution, workflow: "wörk-\(sequence % 3)", sequence: sequence,
                    type: isFinal ? "execution_completed" : "step_of_a_later_release", time: time, isFinal: isFinal,
                    bytes: Array(text.utf8),
                    traceparent: isTraced ? "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" : nil)))
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, seedable, good enough to shuffle.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension EventPublisher {
    /// Publishes in batches of `size`, each acknowledged before the next.
    func publish(_ events: [SourcedEvent], size: Int) async throws {
        for start in stride(from: 0, to: events.count, by: size) {
            try await publish(Array(events[start..<min(start + size, events.count)]))
        }
    }
}

/// What a consumer has seen, with the consumer's rule of the contract: duplicates are dropped, gaps are faults.
struct Seen {
    private(set) var events: [ExecutionID: [EncodedEvent]] = [:]
    private(set) var count = 0
    private(set) var nextOffsets: [Int: Int64] = [:]
    private var lastOffsets: [Int: Int64] = [:]

    var positions: [TopicPosition] {
        nextOffsets.map { TopicPosition(partition: $0.key, nextOffset: $0.value) }
            .sorted { $0.partition < $1.partition }
    }

    /// - Throws: when an execution's event comes before the one it follows, or differs from its duplicate.
    mutating func add(_ delivered: [DeliveredEvent], isWholeFromFirst: Bool = true) throws {
        for record in delivered {
            if let last = lastOffsets[record.partition] {
                try require(
                    record.offset > last, "offset \(record.offset) came after \(last) of partition \(record.partition)")
            }
            lastOffsets[record.partition] = record.offset
            nextOffsets[record.partition] = record.offset + 1
            let event = record.event
            var known = events[event.executionID] ?? []
            if let first = known.first, event.sequence < first.sequence + known.count {
                guard event.sequence >= first.sequence else { continue }
                let earlier = known[event.sequence - first.sequence]
                try require(earlier == event, "\(event.id) came again and differs")
                continue
            }
            let expected = known.last.map { $0.sequence + 1 } ?? (isWholeFromFirst ? 1 : event.sequence)
            try require(event.sequence == expected, "\(event.id) came where sequence \(expected) was due")
            known.append(event)
            events[event.executionID] = known
            count += 1
        }
    }

    func requireEqual(_ expected: [EncodedEvent]) throws {
        for (execution, events) in Dictionary(grouping: expected, by: \.executionID) {
            let seen = self.events[execution] ?? []
            try require(
                seen == events,
                "of \(execution) \(events.count) events were published, \(seen.count) came or some differ")
        }
        try require(count == expected.count, "\(expected.count) events were published, \(count) came")
    }
}

extension EventSubscription {
    /// Reads until `count` different events have come.
    func read(into seen: inout Seen, until count: Int, limit: Int = 100, isWholeFromFirst: Bool = true) async throws {
        while seen.count < count {
            let events = try await next(limit: limit)
            try require(!events.isEmpty, "the subscription ended after \(seen.count) of \(count) events")
            try require(events.count <= limit, "\(events.count) events came where \(limit) were asked for")
            try seen.add(events, isWholeFromFirst: isWholeFromFirst)
        }
    }
}
