package import EventBus
import Logging
import Synchronization

/// Follows a topic: from memory while it keeps up with the publisher of its own process, else from the file.
package final class EmbeddedSubscription: EventSubscription {
    /// Events one call gives at most, whatever its limit.
    static let pageMax = 1000

    private let topic: EmbeddedTopic
    private let token: UInt64
    private let group: ConsumerGroup?
    private let committed: ConsumerGroup.Committed?
    private let state: Mutex<State>

    private struct State {
        /// Where to read on and in which file; nil until the topic exists.
        var place: ConsumerGroup.Committed?
        var isClosed = false
    }

    init(
        topic: EmbeddedTopic, token: UInt64, group: ConsumerGroup?, committed: ConsumerGroup.Committed?,
        start: SubscriptionOptions.Start, head: TopicReader.Head?
    ) {
        self.topic = topic
        self.token = token
        self.group = group
        self.committed = committed
        state = Mutex(State())
        if let head {
            // The lag is known from the start, not only after the first wait.
            topic.hub.advance(to: head.nextOffset)
            place(head, whenNew: Self.offset(of: start, head))
        }
    }

    private static func offset(of start: SubscriptionOptions.Start, _ head: TopicReader.Head) -> Int64 {
        switch start {
        case .beginning: return head.logStart
        case .end: return head.nextOffset
        case .positions(let positions):
            let offset = positions.first { $0.partition == 0 }?.nextOffset ?? head.logStart
            return offset <= head.nextOffset ? offset : head.logStart
        }
    }

    /// Throws `closed` when the waiting task is cancelled or the bus is closed; gives `[]` after its own `close`.
    package func next(limit: Int) async throws(BusError) -> [DeliveredEvent] {
        precondition(limit > 0, "a subscription is asked for at least one event")
        let limit = min(limit, Self.pageMax)
        while true {
            let (place, isClosed) = state.withLock { ($0.place, $0.isClosed) }
            if isClosed { return [] }
            if Task.isCancelled { throw BusError(.closed, "the waiting task was cancelled") }
            guard let place else {
                try await findTopic()
                continue
            }
            switch try topic.hub.take(from: place.nextOffset, limit: limit) {
            case .events(let events): return delivered(events)
            case .inFile:
                let page = try await topic.page(from: place.nextOffset, limit: limit)
                if page.logStart > place.nextOffset { skip(to: page.logStart, from: place.nextOffset) }
                if !page.events.isEmpty { return delivered(page.events) }
                if page.logStart <= place.nextOffset {
                    throw BusError(.corrupt, "\(topic.paths.database) has lost offset \(place.nextOffset) on")
                }
            case .nothing: await wait(past: place.nextOffset)
            }
        }
    }

    package func commit(_ positions: [TopicPosition]) async throws(BusError) {
        // Without a group there is nobody to remember for.
        guard let group, let position = positions.first(where: { $0.partition == 0 }) else { return }
        guard let place = state.withLock({ $0.place }) else {
            throw BusError(.configuration, "nothing was delivered that could be committed")
        }
        try await group.commit(.init(identity: place.identity, nextOffset: position.nextOffset))
    }

    package var lag: Int? {
        get async {
            guard let head = await topic.presentHead, let place = state.withLock({ $0.place }) else { return nil }
            return max(0, Int(head - place.nextOffset))
        }
    }

    package func close() async {
        let wasClosed = state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed
        }
        guard !wasClosed else { return }
        topic.hub.wake(token)
        await topic.unsubscribed()
        await group?.leave()
    }

    deinit {
        if !state.withLock({ $0.isClosed }) { topic.subscriptionForgotten() }
    }

    /// The topic did not exist at the start: everything on it is new, wherever the subscription was to begin.
    private func findTopic() async throws(BusError) {
        let wasThere = topic.hub.head != nil
        if let head = try await topic.head() {
            place(head, whenNew: head.logStart)
        } else if wasThere {
            throw BusError(.unavailable, "\(topic.paths.database) has been removed")
        } else {
            await wait(past: -1)
        }
    }

    private func place(_ head: TopicReader.Head, whenNew offset: Int64) {
        var offset = offset
        if let committed {
            if committed.identity == head.identity {
                offset = committed.nextOffset
            } else {
                topic.logger.warning(
                    "the topic is another one than the group's position belongs to: it begins anew",
                    metadata: ["topic": "\(topic.paths.name)"])
            }
        }
        state.withLock { $0.place = .init(identity: head.identity, nextOffset: offset) }
    }

    private func delivered(_ events: [DeliveredEvent]) -> [DeliveredEvent] {
        state.withLock { state in
            if let last = events.last { state.place?.nextOffset = last.offset + 1 }
        }
        return events
    }

    private func skip(to logStart: Int64, from offset: Int64) {
        topic.logger.warning(
            "retention removed events before this subscription read them",
            metadata: ["topic": "\(topic.paths.name)", "from": "\(offset)", "to": "\(logStart)"])
        state.withLock { $0.place?.nextOffset = logStart }
    }

    private func wait(past offset: Int64) async {
        await topic.hub.wait(past: offset, token: token) { self.state.withLock { $0.isClosed } }
    }
}
