import WorkflowModel

/// Made-up executions for the tests.
enum Executions {
    static let epoch = Timestamp("2026-01-05T10:00:00Z") ?? Timestamp(microseconds: 0)

    /// An execution that began `seconds` after the epoch.
    static func id(_ index: UInt64 = 0, at seconds: Int64 = 0) -> ExecutionID {
        var random = Fixed(value: index)
        return ExecutionID(at: Timestamp(microseconds: epoch.microseconds + seconds * 1_000_000), using: &random)
    }

    private struct Fixed: RandomNumberGenerator {
        var value: UInt64
        mutating func next() -> UInt64 { value }
    }

    static func event(_ execution: ExecutionID, _ sequence: Int, of count: Int, size: Int = 0) -> EncodedEvent {
        let isFinal = sequence == count
        let padding = String(repeating: "x", count: size)
        let type = isFinal ? "execution_completed" : sequence == 1 ? "execution_started" : "step_completed"
        return EncodedEvent(
            executionID: execution, workflow: "w", sequence: sequence, type: type, time: epoch, isFinal: isFinal,
            bytes: Array("{\"execution_id\":\"\(execution)\",\"sequence\":\(sequence),\"pad\":\"\(padding)\"}".utf8))
    }

    static func run(_ execution: ExecutionID, count: Int, size: Int = 0) -> [EncodedEvent] {
        (1...count).map { event(execution, $0, of: count, size: size) }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
