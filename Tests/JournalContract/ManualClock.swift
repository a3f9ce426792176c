import Synchronization
package import WorkflowModel

/// A time of day that only a test moves.
package final class ManualClock: Sendable {
    private let time: Mutex<Timestamp>
    package init(_ time: Timestamp = Timestamp(microseconds: 1_767_607_200_000_000)) { self.time = Mutex(time) }
    package var now: Timestamp { time.withLock { $0 } }
    package func advance(by duration: Duration) { time.withLock { $0 = $0 + duration } }
}

/// The same numbers for the same seed (SplitMix64, Steele, Lea and Flood 2014).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64
    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A value that several tasks of a check share.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { value in body(&value) }
    }
}
