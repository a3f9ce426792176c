import Metrics
import Synchronization

/// One series of a metric: a counter, a gauge, or a histogram.
final class MetricSeries: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    enum Kind: Equatable, Sendable {
        case counter, gauge
        case histogram(buckets: [Double])
        /// A histogram of seconds, recorded in nanoseconds.
        case timer(buckets: [Double])

        var familyKind: MetricFamily.Kind {
            switch self {
            case .counter: .counter
            case .gauge: .gauge
            case .histogram, .timer: .histogram
            }
        }

        var buckets: [Double] {
            switch self {
            case .counter, .gauge: []
            case .histogram(let buckets), .timer(let buckets): buckets
            }
        }
    }

    private struct State {
        var value = 0.0
        var count: UInt64 = 0
        /// Values up to each bucket's bound, not cumulated.
        var counts: [UInt64]
    }

    private let kind: Kind
    private let state: Mutex<State>

    init(_ kind: Kind) {
        self.kind = kind
        state = Mutex(State(counts: Array(repeating: 0, count: kind.buckets.count)))
    }

    func increment(by amount: Int64) { increment(by: Double(amount)) }

    func increment(by amount: Double) {
        // A counter never falls; a gauge may.
        guard amount.isFinite, amount >= 0 || kind == .gauge else { return }
        state.withLock { $0.value += amount }
    }

    func decrement(by amount: Double) { increment(by: -amount) }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { state.withLock { $0.value = value } }

    func reset() { state.withLock { $0.value = 0 } }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard kind != .gauge else { return set(value) }
        guard value.isFinite else { return }
        let index = kind.buckets.firstIndex { value <= $0 }
        state.withLock { state in
            state.value += value
            state.count += 1
            if let index { state.counts[index] += 1 }
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    /// As it stands.
    var value: MetricFamily.Value {
        let state = state.withLock { $0 }
        switch kind {
        case .counter, .gauge: return .number(state.value)
        case .histogram(let buckets), .timer(let buckets):
            let above = state.count - state.counts.reduce(0, +)
            return .histogram(.init(bounds: buckets, counts: state.counts + [above], sum: state.value))
        }
    }
}
