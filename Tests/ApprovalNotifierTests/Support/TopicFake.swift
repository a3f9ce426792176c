import EventBus
import Synchronization
import WorkflowModel

/// A topic in memory; every subscription begins at its beginning, so that all of it comes again with each session.
final class TopicFake: EventSubscriber {
    fileprivate struct State {
        var events: [EncodedEvent] = []
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var serial = 0
        /// No event is given beyond this offset, while `lag` counts all.
        var limit = Int.max
    }

    fileprivate let state = Mutex(State())

    func append(_ events: [EncodedEvent]) { change { $0.events += events } }

    /// Lets nothing beyond the offset through, as a bus that is slow.
    func hold(at offset: Int) { change { $0.limit = offset } }
    func letThrough() { change { $0.limit = .max } }

    var count: Int { state.withLock { $0.events.count } }

    private func change(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    func subscribe(_ options: SubscriptionOptions) async throws(BusError) -> any EventSubscription {
        SubscriptionFake(topic: self)
    }

    /// Waits for a change beyond what the caller has seen.
    fileprivate func wait(past offset: Int) async {
        let token = state.withLock { state in
            state.serial += 1
            return state.serial
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if min(state.events.count, state.limit) > offset || Task.isCancelled { return true }
                    state.waiters[token] = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: token) }?.resume()
        }
    }
}

private final class SubscriptionFake: EventSubscription {
    private let topic: TopicFake
    private let place = Mutex(0)

    init(topic: TopicFake) { self.topic = topic }

    func next(limit: Int) async throws(BusError) -> [DeliveredEvent] {
        while true {
            if Task.isCancelled { throw BusError(.closed, "cancelled") }
            let from = place.withLock { $0 }
            // A few at a time, so that what belongs together comes apart.
            let events = topic.state.withLock { state in
                Array(state.events[from..<max(from, min(state.events.count, state.limit, from + min(limit, 3)))])
            }
            if !events.isEmpty {
                place.withLock { $0 += events.count }
                return events.enumerated().map {
                    DeliveredEvent(partition: 0, offset: Int64(from + $0.offset), event: $0.element)
                }
            }
            await topic.wait(past: from)
        }
    }

    func commit(_ positions: [TopicPosition]) async throws(BusError) {}
    var lag: Int? { topic.count - place.withLock { $0 } }
    func close() async {}
}
