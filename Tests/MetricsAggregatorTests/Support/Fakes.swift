import EventBus
import Synchronization
import WorkflowModel

/// A topic in memory that keeps what was published, as positions say, and can fail or become another one.
final class TopicFake: EventSubscriber, Sendable {
    private struct State {
        var events: [DeliveredEvent] = []
        var failure: BusError?
        var generation = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var starts: [SubscriptionOptions.Start] = []
    }
    private let state = Mutex(State())
    /// What an answer to a question for the lag waits for.
    let silence = Mutex<Task<Void, Never>?>(nil)
    let lagQuestions = Mutex(0)

    func publish(_ events: [EncodedEvent]) {
        change { state in
            for event in events {
                state.events.append(DeliveredEvent(partition: 0, offset: Int64(state.events.count), event: event))
            }
        }
    }

    /// Every subscription ends with an error, and so do new ones until `mend`.
    func fail(_ error: BusError) {
        change { state in
            state.failure = error
            state.generation += 1
        }
    }

    func mend() { state.withLock { $0.failure = nil } }

    /// Another topic of that name.
    func replace(with events: [EncodedEvent]) {
        change { state in
            state.events = []
            state.generation += 1
        }
        publish(events)
    }

    var starts: [SubscriptionOptions.Start] { state.withLock { $0.starts } }

    func subscribe(_ options: SubscriptionOptions) async throws(BusError) -> any EventSubscription {
        let result = state.withLock { state -> Result<(Int64, Int), BusError> in
            state.starts.append(options.start)
            if let failure = state.failure { return .failure(failure) }
            guard case .positions(let positions) = options.start, let next = positions.first?.nextOffset else {
                return .success((0, state.generation))
            }
            return .success((next <= state.events.count ? next : 0, state.generation))
        }
        let (offset, generation) = try result.get()
        return Subscription(topic: self, offset: offset, generation: generation)
    }

    private func change(_ body: (inout State) -> Void) {
        let waiting = state.withLock { state in
            body(&state)
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.resume() }
    }

    private final class Subscription: EventSubscription {
        private let topic: TopicFake
        private let generation: Int
        private let place: Mutex<(offset: Int64, isClosed: Bool)>

        init(topic: TopicFake, offset: Int64, generation: Int) {
            self.topic = topic
            self.generation = generation
            place = Mutex((offset, false))
        }

        func next(limit: Int) async throws(BusError) -> [DeliveredEvent] {
            while true {
                let (offset, isClosed) = place.withLock { $0 }
                if isClosed { return [] }
                let (events, error) = topic.state.withLock { state -> ([DeliveredEvent], BusError?) in
                    if state.generation != generation {
                        return ([], state.failure ?? BusError(.unavailable, "the topic is gone"))
                    }
                    return (Array(state.events.dropFirst(Int(offset)).prefix(limit)), nil)
                }
                if let error { throw error }
                if let last = events.last {
                    place.withLock { $0.offset = last.offset + 1 }
                    return events
                }
                await withCheckedContinuation { continuation in
                    let isDue = topic.state.withLock { state in
                        if state.events.count > Int(offset) || state.generation != generation
                            || place.withLock({ $0.isClosed })
                        {
                            return true
                        }
                        state.waiting.append(continuation)
                        return false
                    }
                    if isDue { continuation.resume() }
                }
            }
        }

        func commit(_ positions: [TopicPosition]) async throws(BusError) {}

        var lag: Int? {
            get async {
                topic.lagQuestions.withLock { $0 += 1 }
                await topic.silence.withLock { $0 }?.value
                return topic.state.withLock { $0.events.count } - Int(place.withLock { $0.offset })
            }
        }

        func close() async {
            place.withLock { $0.isClosed = true }
            topic.change { _ in }
        }
    }
}

/// A store in memory that can refuse commits, or crash at one; it outlives those that open it.
final class StoreFake: ConsumerStore, Sendable {
    private struct State {
        var model = StoreModel()
        var refusals = 0
        var commitCount = 0
        var crash: (number: Int, isDone: Bool)?
        var waiting: [(position: Int64, continuation: CheckedContinuation<Void, Never>)] = []
    }
    private let state = Mutex(State())

    var model: StoreModel { state.withLock { $0.model } }

    /// So many commits fail from now on.
    func refuse(_ count: Int) { state.withLock { $0.refusals = count } }

    /// The commit of this number from the first fails, after it is done or before.
    func crash(at number: Int, isDone: Bool) { state.withLock { $0.crash = (number, isDone) } }

    var commitCount: Int { state.withLock { $0.commitCount } }

    /// Returns once the position of partition 0 is committed.
    func wait(for position: Int64) async {
        await withCheckedContinuation { continuation in
            let isDue = state.withLock { state in
                if state.model.positions[0] == position { return true }
                state.waiting.append((position, continuation))
                return false
            }
            if isDue { continuation.resume() }
        }
    }

    func commit(_ changes: [ConsumerChange], positions: [TopicPosition]) async throws(BusError) {
        let (isRefused, due) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
            if state.refusals > 0 {
                state.refusals -= 1
                return (true, [])
            }
            state.commitCount += 1
            let isCrash = state.commitCount == state.crash?.number
            if isCrash, state.crash?.isDone == false { return (true, []) }
            state.model.commit(changes, positions)
            let position = state.model.positions[0]
            let due = state.waiting.filter { $0.position == position }.map(\.continuation)
            state.waiting.removeAll { $0.position == position }
            return (isCrash, due)
        }
        for continuation in due { continuation.resume() }
        if isRefused { throw BusError(.diskFull, "the disk is full") }
    }

    func positions() async throws(BusError) -> [TopicPosition] {
        model.positions.map { TopicPosition(partition: $0.key, nextOffset: $0.value) }
    }

    func value(for key: String) async throws(BusError) -> [UInt8]? { model.entries[key] }

    func values(for keys: [String]) async throws(BusError) -> [String: [UInt8]] {
        let entries = model.entries
        return Dictionary(uniqueKeysWithValues: keys.compactMap { key in entries[key].map { (key, $0) } })
    }

    func entries(prefix: String, after key: String?, limit: Int) async throws(BusError) -> [ConsumerEntry] {
        let found = model.entries.filter { $0.key.hasPrefix(prefix) && $0.key > key ?? "" }.sorted { $0.key < $1.key }
        return found.prefix(limit).map { ConsumerEntry(key: $0.key, value: $0.value) }
    }

    func close() async {}
}
