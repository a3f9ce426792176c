import Synchronization
import WorkflowEngine

/// Where the bus stands, between the relay that says so and the writer that stores it now and then.
final class PublishedPosition: Sendable {
    /// At most this often the position is written.
    static let intervalMilliseconds: Int64 = 100

    private struct State {
        var noted: JournalPosition?
        var stored: JournalPosition?
        var epoch: Int64
        var storeAt = MonotonicTime(nanoseconds: 0)
    }

    private let state: Mutex<State>

    init(stored: JournalPosition?, epoch: Int64) {
        state = Mutex(State(noted: stored, stored: stored, epoch: epoch))
    }

    var current: JournalPosition? { state.withLock { $0.noted } }

    /// True when the writer should learn that there is something to store; a stale lease or an earlier position is nothing.
    func note(_ position: JournalPosition, lease: JournalLease) -> Bool {
        state.withLock { state in
            guard lease.shard == 0, lease.epoch == state.epoch, state.noted.map({ $0 < position }) ?? true else {
                return false
            }
            defer { state.noted = position }
            return state.noted == state.stored
        }
    }

    func epochRose(to epoch: Int64) { state.withLock { $0.epoch = epoch } }

    /// When the writer must look again; nil while there is nothing to store.
    var storeAt: MonotonicTime? { state.withLock { $0.noted == $0.stored ? nil : $0.storeAt } }

    /// What to write with the transaction that begins now; nil when nothing is due.
    func due(at now: MonotonicTime, isClosing: Bool) -> JournalPosition? {
        state.withLock { $0.noted != $0.stored && (isClosing || $0.storeAt <= now) ? $0.noted : nil }
    }

    func stored(_ position: JournalPosition, at now: MonotonicTime) {
        state.withLock { state in
            state.stored = position
            state.storeAt = now.advanced(byMilliseconds: Self.intervalMilliseconds)
        }
    }

    /// Storing failed; it waits for the next interval.
    func postponed(at now: MonotonicTime) {
        state.withLock { $0.storeAt = now.advanced(byMilliseconds: Self.intervalMilliseconds) }
    }
}
