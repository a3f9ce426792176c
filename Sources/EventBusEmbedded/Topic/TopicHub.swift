import EventBus
import Synchronization
import WorkflowModel

/// Where a topic stands as this process knows it, and who waits for it to move.
///
/// Holds no more than the recent events' byte budget and one continuation a subscription.
final class TopicHub: Sendable {
    enum Taken {
        case events([DeliveredEvent])
        /// On the topic, but no longer, or never, in memory: read the file.
        case inFile
        /// Nothing there yet.
        case nothing
    }

    private struct State {
        /// The next offset to be written; nil until known.
        var head: Int64?
        var recent: RecentEvents
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        /// Woken when somebody waits: whoever moves the hub rests meanwhile.
        var resting: WakePipe?
        var failure: BusError?
    }

    private let state: Mutex<State>

    init(recentBytesMax: Int) { state = Mutex(State(recent: RecentEvents(bytesMax: recentBytesMax))) }

    var head: Int64? { state.withLock { $0.head } }

    /// A batch that this process has committed.
    func append(firstOffset: Int64, events: [EncodedEvent], bytes: Int) {
        wake { state in
            state.recent.append(firstOffset: firstOffset, events: events, bytes: bytes)
            state.head = firstOffset + Int64(events.count)
            state.failure = nil
            return true
        }
    }

    /// The file's head as a reader saw it; never moves back.
    func advance(to head: Int64) {
        wake { state in
            if state.failure?.code != .closed { state.failure = nil }
            guard state.head.map({ $0 < head }) ?? true else { return false }
            state.head = head
            return true
        }
    }

    /// The file cannot be read: subscribers are told, until it can. `closed` is for good.
    func fail(_ error: BusError) {
        wake { state in
            if state.failure?.code != .closed { state.failure = error }
            return true
        }
    }

    func take(from offset: Int64, limit: Int) throws(BusError) -> Taken {
        let (taken, failure): (Taken, BusError?) = state.withLock { state in
            if let failure = state.failure { return (.nothing, failure) }
            guard let head = state.head, offset < head else { return (.nothing, nil) }
            let events = state.recent.events(from: offset, limit: limit)
            return (events.isEmpty ? .inFile : .events(events), nil)
        }
        if let failure { throw failure }
        return taken
    }

    /// Waits until the head passes `offset`, the topic fails, `wake(token)` or the task's cancellation.
    func wait(past offset: Int64, token: UInt64, unless isClosed: @Sendable () -> Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    // Checked under the lock: whoever closes or cancels takes it after setting its flag.
                    let hasMoved = state.failure != nil || state.head.map { $0 > offset } ?? false
                    if hasMoved || isClosed() || Task.isCancelled {
                        return true
                    }
                    precondition(state.waiters[token] == nil, "one task at a time waits for a subscription")
                    state.waiters[token] = continuation
                    state.resting?.wake()
                    state.resting = nil
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            wake(token)
        }
    }

    /// Whether somebody waits for the head to move; if nobody does, `pipe` is woken once somebody will.
    func isAwaited(elseWaking pipe: WakePipe) -> Bool {
        state.withLock { state in
            state.resting = state.waiters.isEmpty ? pipe : nil
            return state.resting == nil
        }
    }

    func wake(_ token: UInt64) {
        state.withLock { $0.waiters.removeValue(forKey: token) }?.resume()
    }

    private func wake(_ change: (inout State) -> Bool) {
        let waiters = state.withLock { state -> [UInt64: CheckedContinuation<Void, Never>] in
            guard change(&state) else { return [:] }
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }
}
