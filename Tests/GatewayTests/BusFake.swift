import EventBus
import Synchronization
import WorkflowModel

/// A topic in memory, with one partition, that can misbehave on demand.
final class BusFake: EventSubscriber, EventHistory, Sendable {
    struct State {
        /// What history can give.
        var stored: [ExecutionID: [EncodedEvent]] = [:]
        var subscriptions: [Subscription] = []
        var historyCallCount = 0
        var runningCount = 0
        var runningCountMax = 0
        var isWhole = true
        var historyError: BusError?
        var subscribeError: BusError?
        /// While true history calls wait for `releaseHistory`.
        var isHistoryHeld = false
        var heldCalls: [CheckedContinuation<Void, Never>] = []
        var heldCountSignals: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var subscribedSignals: [CheckedContinuation<Void, Never>] = []
        var offset: Int64 = 0
    }

    let state = Mutex(State())

    // MARK: what tests do

    /// Appends to the topic: history has it and subscriptions get it.
    func publish(_ events: EncodedEvent...) {
        store(events)
        deliver(events)
    }

    /// Only history has these: they were published before anybody subscribed.
    func store(_ events: [EncodedEvent]) {
        state.withLock { state in
            for event in events {
                var list = state.stored[event.executionID] ?? []
                if !list.contains(where: { $0.sequence == event.sequence }) { list.append(event) }
                state.stored[event.executionID] = list.sorted { $0.sequence < $1.sequence }
            }
        }
    }

    /// Subscriptions get these, in this order, whatever it is.
    func deliver(_ events: [EncodedEvent]) {
        let subscriptions = state.withLock { $0.subscriptions }
        let delivered = events.map { event in
            let offset = state.withLock { state in
                state.offset += 1
                return state.offset
            }
            return DeliveredEvent(partition: 0, offset: offset, event: event)
        }
        for subscription in subscriptions { subscription.yield(delivered) }
    }

    func forget(_ execution: ExecutionID) { state.withLock { $0.stored[execution] = nil } }

    func holdHistory() { state.withLock { $0.isHistoryHeld = true } }

    func releaseHistory() {
        let held = state.withLock { state in
            state.isHistoryHeld = false
            defer { state.heldCalls = [] }
            return state.heldCalls
        }
        for call in held { call.resume() }
    }

    /// Waits until so many history calls are held.
    func waitForHeld(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isDue = state.withLock { state in
                if state.heldCalls.count >= count { return true }
                state.heldCountSignals.append((count, continuation))
                return false
            }
            if isDue { continuation.resume() }
        }
    }

    /// Breaks every running subscription.
    func breakSubscriptions() {
        let subscriptions = state.withLock { state in
            defer { state.subscriptions = [] }
            return state.subscriptions
        }
        for subscription in subscriptions { subscription.fail() }
    }

    func waitForSubscription() async {
        await withCheckedContinuation { continuation in
            let isDue = state.withLock { state in
                if !state.subscriptions.isEmpty { return true }
                state.subscribedSignals.append(continuation)
                return false
            }
            if isDue { continuation.resume() }
        }
    }

    // MARK: the ports

    func subscribe(_ options: SubscriptionOptions) async throws(BusError) -> any EventSubscription {
        if let error = state.withLock({ $0.subscribeError }) { throw error }
        let subscription = Subscription()
        let signals = state.withLock { state in
            state.subscriptions.append(subscription)
            defer { state.subscribedSignals = [] }
            return state.subscribedSignals
        }
        for signal in signals { signal.resume() }
        return subscription
    }

    func events(of execution: ExecutionID, after sequence: Int, limit: Int) async throws(BusError) -> EventHistoryPage {
        // Taken as the topic stands now, given back whenever the test lets it.
        let (page, error, isHeld) = state.withLock { state -> (EventHistoryPage, BusError?, Bool) in
            state.historyCallCount += 1
            state.runningCount += 1
            state.runningCountMax = max(state.runningCountMax, state.runningCount)
            let all = (state.stored[execution] ?? []).filter { $0.sequence > sequence }
            let events = Array(all.prefix(limit))
            let page = EventHistoryPage(events: events, hasMore: all.count > limit, isWhole: state.isWhole)
            return (page, state.historyError, state.isHistoryHeld)
        }
        if isHeld {
            await withCheckedContinuation { continuation in
                let (isDue, signals) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
                    guard state.isHistoryHeld else { return (true, []) }
                    state.heldCalls.append(continuation)
                    let due = state.heldCountSignals.filter { $0.count <= state.heldCalls.count }
                    state.heldCountSignals.removeAll { $0.count <= state.heldCalls.count }
                    return (false, due.map(\.continuation))
                }
                if isDue { continuation.resume() }
                for signal in signals { signal.resume() }
            }
        }
        state.withLock { $0.runningCount -= 1 }
        if let error { throw error }
        return page
    }

    final class Subscription: EventSubscription {
        private struct State {
            var queue: [DeliveredEvent] = []
            var isClosed = false
            var error: BusError?
            var waiter: CheckedContinuation<Void, Never>?
        }

        private let state = Mutex(State())

        func yield(_ events: [DeliveredEvent]) { wake { $0.queue += events } }
        func fail() { wake { $0.error = BusError(.unavailable, "the test broke it") } }
        func close() async { wake { $0.isClosed = true } }

        private func wake(_ change: (inout State) -> Void) {
            state.withLock { state in
                change(&state)
                return state.waiter.take()
            }?.resume()
        }

        func next(limit: Int) async throws(BusError) -> [DeliveredEvent] {
            while true {
                let result: Result<[DeliveredEvent]?, BusError> = state.withLock { state in
                    if let error = state.error { return .failure(error) }
                    if state.isClosed { return .success([]) }
                    guard !state.queue.isEmpty else { return .success(nil) }
                    let batch = Array(state.queue.prefix(limit))
                    state.queue.removeFirst(batch.count)
                    return .success(batch)
                }
                if let batch = try result.get() { return batch }
                await withCheckedContinuation { continuation in
                    let isDue = state.withLock { state in
                        if !state.queue.isEmpty || state.isClosed || state.error != nil { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isDue { continuation.resume() }
                }
            }
        }

        func commit(_ positions: [TopicPosition]) async throws(BusError) {}
        var lag: Int? { get async { nil } }
    }
}
