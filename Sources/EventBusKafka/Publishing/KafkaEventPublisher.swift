package import EventBus
import Logging
import Synchronization

/// Publishes to a topic of events over one idempotent producer, and makes a new one after any failure.
///
/// Opening it asks no broker: with the broker away, `publish` throws a retryable error and the journal keeps the rest.
/// It stores no source position; a batch whose outcome is unknown comes again, and with it duplicates.
package final class KafkaEventPublisher: EventPublisher, KafkaMember {
    private struct State {
        var producer: Producer?
        var lastError: BusError?
        var isClosed = false
        var connecting: Task<Void, Never>?
    }

    private let topic: String
    private let context: KafkaContext
    private let topics: TopicDirectory
    private let activity: ActivityProducer
    private let deliveries = Deliveries()
    private let state = Mutex(State())
    private let membership = Mutex<UInt64?>(nil)

    init(topic: String, context: KafkaContext, topics: TopicDirectory) throws(BusError) {
        self.topic = topic
        self.context = context
        self.topics = topics
        activity = ActivityProducer(context: context, topics: topics)
        let serial = try context.join(self)
        membership.withLock { $0 = serial }
    }

    package var storesSourcePosition: Bool { false }

    package func sourcePosition() async throws(BusError) -> SourcePosition? { nil }

    /// Finds the topic and opens the producer in the background, trying for as long as it takes: what is wrong is then
    /// known, and the bus's health with it, before the first event.
    package func connect() {
        state.withLock { state in
            guard !state.isClosed, state.connecting == nil else { return }
            state.connecting = Task { [weak self] in
                var delay = Duration.milliseconds(100)
                while !Task.isCancelled, await self?.isConnected() == false {
                    try? await Task.sleep(for: delay)
                    delay = min(delay * 2, .seconds(5))
                }
            }
        }
    }

    private func isConnected() async -> Bool {
        do throws(BusError) {
            _ = try await topics.partitions(of: topic, grows: true)
            _ = try current()
            state.withLock { $0.lastError = nil }
            return true
        } catch {
            guard error.code != .closed else { return true }
            let isNews = state.withLock { state in
                defer { state.lastError = error }
                return state.lastError?.code != error.code
            }
            if isNews { context.logger.warning("events cannot be published yet", metadata: ["error": "\(error)"]) }
            return false
        }
    }

    package func publish(_ batch: [SourcedEvent]) async throws(BusError) {
        if state.withLock({ $0.isClosed }) { throw BusError(.closed, "the publisher is closed") }
        guard !batch.isEmpty else { return }
        let start = ContinuousClock.now
        var used: Producer?
        do throws(BusError) {
            _ = try await topics.partitions(of: topic, grows: true)
            let producer = try current()
            used = producer
            try await producer.publish(batch)
        } catch {
            context.metrics.failed()
            let told = KafkaErrors.explained(error, by: used?.report.lastError)
            state.withLock { $0.lastError = told }
            if let used { await retire(used) }
            // The topic may have been removed, or changed, since it was found. Whatever the library calls that, and a
            // timeout is one of its names, only a look at the topic shows it and makes it again.
            if told.code != .eventTooLarge { topics.forget(topic) }
            throw told
        }
        context.metrics.published(batch.count, in: ContinuousClock.now - start)
        state.withLock { $0.lastError = nil }
    }

    package func publishActivity(_ activity: EncodedActivity) { self.activity.send(activity) }

    package func close() async {
        let (producer, lastError, wasClosed) = state.withLock { state in
            defer {
                state.isClosed = true
                state.producer = nil
            }
            state.connecting?.cancel()
            return (state.producer, state.lastError, state.isClosed)
        }
        guard !wasClosed else { return }
        if let serial = membership.withLock({ $0 }) { context.leave(serial) }
        deliveries.failAll(BusError(.closed, "the publisher is closed"))
        // Nothing is gained by waiting for a broker that is away.
        let grace = lastError == nil ? context.configuration.limits.closeTimeout : .zero
        async let activityEnd: Void = activity.close(within: grace)
        await producer?.close()
        await activityEnd
    }

    private func current() throws(BusError) -> Producer {
        if let producer = state.withLock({ $0.producer }) { return producer }
        let made = try Producer(
            topic: topic, deliveries: deliveries, context: context)
        let kept = state.withLock { state -> Producer? in
            if state.isClosed { return nil }
            if state.producer == nil { state.producer = made }
            return state.producer
        }
        if kept !== made { Task { await made.close() } }
        guard let kept else { throw BusError(.closed, "the publisher is closed") }
        return kept
    }

    private func retire(_ producer: Producer) async {
        let isCurrent = state.withLock { state in
            guard state.producer === producer else { return false }
            state.producer = nil
            return true
        }
        // Another batch's failure may have retired it already.
        if isCurrent { await producer.close() }
    }

    // MARK: - KafkaMember

    func busClosed() { deliveries.failAll(BusError(.closed, "the bus is closed")) }

    var standing: MemberStatistics {
        let (producer, lastError) = state.withLock { ($0.producer, $0.lastError) }
        let report = producer?.report
        let counts = deliveries.counts
        return MemberStatistics(
            client: report?.statistics, lastError: report?.lastError ?? lastError,
            published: counts.published, failures: counts.failures, latency: counts.latency)
    }
}
