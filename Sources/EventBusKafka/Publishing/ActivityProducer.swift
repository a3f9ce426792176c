import CRdKafka
import EventBus
import Glibc
import Logging
import Synchronization

/// Sends activity to its own topic over a producer of its own: drops what does not fit, waits for nothing.
final class ActivityProducer: Sendable {
    /// After a failed attempt to reach the topic, activity is dropped for so long.
    private static let retryInterval = Duration.seconds(5)

    private struct Open {
        var client: KafkaClient
        var topic: Pointer
    }

    private enum State {
        case idle(until: ContinuousClock.Instant?)
        case opening
        case open(Open)
        case closed
    }

    private let context: KafkaContext
    private let topics: TopicDirectory
    private let state = Mutex(State.idle(until: nil))

    init(context: KafkaContext, topics: TopicDirectory) {
        self.context = context
        self.topics = topics
    }

    /// The first one opens the producer, and is dropped.
    func send(_ activity: EncodedActivity) {
        let open = state.withLock { state -> Open? in
            switch state {
            case .open(let opened): return opened
            case .idle(let until):
                if let until, ContinuousClock.now < until { return nil }
                state = .opening
                // Unstructured, since nobody waits for activity; ends in `open`, `idle` or `closed`.
                Task { await self.open() }
                return nil
            case .opening, .closed: return nil
            }
        }
        guard let open else { return }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let milliseconds = Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
        // A full queue drops it.
        _ = try? open.client.use { handle throws(BusError) in
            RecordEncoder.produce(activity, milliseconds: milliseconds, to: open.topic.raw, handle)
        }
    }

    func close() async {
        let open = state.withLock { state -> Open? in
            defer { state = .closed }
            if case .open(let opened) = state { return opened }
            return nil
        }
        if let open { await Self.close(open) }
    }

    private func open() async {
        let name = context.configuration.topics.activity
        do throws(BusError) {
            let partitions = Int32(try await topics.partitions(of: name))
            let client = try KafkaClient(.activity, context: context)
            let topic = try client.use { handle throws(BusError) in
                crdkafka_topic_of(handle, name, partitions).map(Pointer.init)
            }
            guard let topic, let topic else {
                await client.close()
                throw BusError(.unavailable, "no topic \(name)")
            }
            let open = Open(client: client, topic: topic)
            let isKept = state.withLock { state in
                guard case .opening = state else { return false }
                state = .open(open)
                return true
            }
            if !isKept { await Self.close(open) }
        } catch {
            context.logger.info("activity is not published", metadata: ["error": "\(error)"])
            state.withLock { state in
                if case .opening = state { state = .idle(until: .now + Self.retryInterval) }
            }
        }
    }

    private static func close(_ open: Open) async {
        await open.client.close(release: { rd_kafka_topic_destroy(open.topic.raw) })
    }
}
