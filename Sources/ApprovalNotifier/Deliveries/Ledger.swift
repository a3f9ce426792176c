import EventBus
import Synchronization

/// Writes to the store in the order of the calls, whatever waits in one transaction.
///
/// A failure is for good: what memory holds is then ahead of the store, and the session begins anew from it.
final class Ledger: Sendable {
    private struct Entry {
        var changes: [ConsumerChange]
        var positions: [TopicPosition]
        var waiter: CheckedContinuation<Result<Void, BusError>, Never>
    }

    private struct State {
        /// Bounded by the callers: the reader and the attempts, each of which waits for its own.
        var waiting: [Entry] = []
        var isWriting = false
        var failure: BusError?
    }

    let store: any ConsumerStore
    private let state = Mutex(State())

    init(store: any ConsumerStore) { self.store = store }

    /// Returns when the changes are durable.
    func commit(_ changes: [ConsumerChange], positions: [TopicPosition] = []) async throws(BusError) {
        let result: Result<Void, BusError> = await withCheckedContinuation { waiter in
            let (failure, begins) = state.withLock { state -> (BusError?, Bool) in
                if let failure = state.failure { return (failure, false) }
                state.waiting.append(Entry(changes: changes, positions: positions, waiter: waiter))
                defer { state.isWriting = true }
                return (nil, !state.isWriting)
            }
            if let failure { return waiter.resume(returning: .failure(failure)) }
            // Unstructured, since it serves whoever comes meanwhile; ends when nobody waits.
            if begins { Task { await self.write() } }
        }
        try result.get()
    }

    private func write() async {
        while true {
            let entries = state.withLock { state in
                defer { state.waiting = [] }
                if state.waiting.isEmpty { state.isWriting = false }
                return state.waiting
            }
            if entries.isEmpty { return }
            let result: Result<Void, BusError>
            do throws(BusError) {
                try await store.commit(entries.flatMap(\.changes), positions: entries.flatMap(\.positions))
                result = .success(())
            } catch {
                result = .failure(error)
                let rest = state.withLock { state in
                    state.failure = error
                    defer { state.waiting = [] }
                    return state.waiting
                }
                for entry in rest { entry.waiter.resume(returning: result) }
            }
            for entry in entries { entry.waiter.resume(returning: result) }
        }
    }
}
