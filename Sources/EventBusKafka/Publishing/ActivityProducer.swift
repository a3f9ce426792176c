import CRdKafka
import EventBus
import Glibc
import Logging
import Synchronization
import WorkflowModel

/// Sends activity to its own topic over a producer of its own: drops what does not fit, and never makes a step wait.
final class ActivityProducer: Sendable {
    /// After a failed attempt to reach the topic, activity is dropped for so long.
    private static let retryInterval = Duration.seconds(5)

    private struct Open {
        var client: KafkaClient
        var topic: Pointer
    }

    private enum Phase {
        case idle(until: ContinuousClock.Instant?)
        /// Finds the topic, or makes it; what comes meanwhile is kept.
        case opening(Task<Void, Never>, ActivityBacklog)
        case open(Open)
    }

    private struct State {
        var phase = Phase.idle(until: nil)
        var isClosed = false
    }

    private let context: KafkaContext
    private let topics: TopicDirectory
    private let state = Mutex(State())

    init(context: KafkaContext, topics: TopicDirectory) {
        self.context = context
        self.topics = topics
    }

    /// The first one opens the producer.
    func send(_ activity: EncodedActivity) {
        let now = Self.now
        let open = state.withLock { state -> Open? in
            guard !state.isClosed else { return nil }
            switch state.phase {
            case .open(let opened): return opened
            case .idle(let until):
                if let until, ContinuousClock.now < until { return nil }
                var backlog = ActivityBacklog()
                backlog.append(activity, milliseconds: now)
                // Unstructured, since no step waits for it; `close` does.
                state.phase = .opening(Task { await self.open() }, backlog)
            case .opening(let task, var backlog):
                // One owner at a time, or each append would copy the rest.
                state.phase = .idle(until: nil)
                backlog.append(activity, milliseconds: now)
                state.phase = .opening(task, backlog)
            }
            return nil
        }
        if let open { Self.produce(activity, milliseconds: now, open) }
    }

    /// Drops what comes later, and sends what came before for at most `grace`.
    func close(within grace: Duration) async {
        let end = ContinuousClock.now + grace
        let opening = state.withLock { state -> Task<Void, Never>? in
            state.isClosed = true
            if case .opening(let task, _) = state.phase { return task }
            return nil
        }
        if let opening {
            let limit = Task {
                try? await Task.sleep(until: end)
                opening.cancel()
            }
            await opening.value
            limit.cancel()
        }
        let open = state.withLock { state -> Open? in
            defer { state.phase = .idle(until: nil) }
            if case .open(let opened) = state.phase { return opened }
            return nil
        }
        guard let open else { return }
        let milliseconds = Int32(clamping: max(.zero, end - .now).microseconds / 1000)
        _ = try? await open.client.block { handle throws(BusError) in rd_kafka_flush(handle, milliseconds) }
        await open.client.close(release: { rd_kafka_topic_destroy(open.topic.raw) })
    }

    private func open() async {
        let name = context.configuration.topics.activity
        do throws(BusError) {
            let partitions = Int32(try await topics.partitions(of: name, grows: true))
            // Failed records are events, so that a flush waits for the records and takes nobody's events.
            let client = try KafkaClient(
                .activity, context: context,
                deliveries: { [weak self] event in
                    let isLost = Self.saysTopicIsLost(event)
                    rd_kafka_event_destroy(event)
                    if isLost { self?.topicIsLost() }
                })
            let topic = try client.use { handle throws(BusError) in
                crdkafka_topic_of(handle, name, partitions).map(Pointer.init)
            }
            guard let topic, let topic else {
                await client.close()
                throw BusError(.unavailable, "no topic \(name)")
            }
            let open = Open(client: client, topic: topic)
            state.withLock { state in
                guard case .opening(_, let backlog) = state.phase else { return }
                // Within the lock, so that nothing that comes now is sent before what waited.
                for (activity, milliseconds) in backlog.entries {
                    Self.produce(activity, milliseconds: milliseconds, open)
                }
                state.phase = .open(open)
            }
        } catch {
            context.logger.info("activity is not published", metadata: ["error": "\(error)"])
            state.withLock { $0.phase = .idle(until: .now + Self.retryInterval) }
        }
    }

    /// Whether a record failed because the topic was deleted, or was made again with fewer partitions.
    private static func saysTopicIsLost(_ event: OpaquePointer) -> Bool {
        var messages = [UnsafePointer<rd_kafka_message_t>?](repeating: nil, count: rd_kafka_event_message_count(event))
        let count = rd_kafka_event_message_array(event, &messages, messages.count)
        let codes = [
            RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
        ]
        return messages.prefix(count).contains { $0.map { codes.contains($0.pointee.err) } ?? false }
    }

    /// The producer makes no topic: the next activity finds it again, or makes it.
    private func topicIsLost() {
        let lost = state.withLock { state -> Open? in
            guard !state.isClosed, case .open(let opened) = state.phase else { return nil }
            state.phase = .idle(until: .now + Self.retryInterval)
            return opened
        }
        guard let lost else { return }
        context.logger.warning("the activity topic is gone and is looked for again")
        topics.forget(context.configuration.topics.activity)
        Task { await lost.client.close(release: { rd_kafka_topic_destroy(lost.topic.raw) }) }
    }

    /// A full queue drops it.
    private static func produce(_ activity: EncodedActivity, milliseconds: Int64, _ open: Open) {
        _ = try? open.client.use { handle throws(BusError) in
            RecordEncoder.produce(activity, milliseconds: milliseconds, to: open.topic.raw, handle)
        }
    }

    private static var now: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
