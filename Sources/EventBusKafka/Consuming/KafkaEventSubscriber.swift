import CRdKafka
package import EventBus
import WorkflowModel

/// Opens subscriptions to a topic of events, each over a client of its own.
package struct KafkaEventSubscriber: EventSubscriber {
    let context: KafkaContext
    let topics: TopicDirectory
    let topic: String

    /// - Throws: `unavailable` when no broker answers; `configuration` for a topic that is missing and may not be made.
    package func subscribe(_ options: SubscriptionOptions) async throws(BusError) -> any EventSubscription {
        try await open(topic: topic, options) { message throws(RecordDecoder.NotOurs) in
            DeliveredEvent(
                partition: Int(message.pointee.partition), offset: message.pointee.offset,
                event: try RecordDecoder.event(message))
        }
    }

    func open<Value: Sendable & Equatable>(
        topic: String, _ options: SubscriptionOptions,
        decode: @escaping @Sendable (UnsafePointer<rd_kafka_message_t>) throws(RecordDecoder.NotOurs) -> Value
    ) async throws(BusError) -> RecordConsumer<Value> {
        let count = try await topics.partitions(of: topic)
        let client = try KafkaClient(
            options.group.map { .member(group: $0) } ?? .follower, context: context)
        do throws(BusError) {
            let context = context
            let (source, positions) = try await client.block { handle throws(BusError) in
                if let group = options.group {
                    let source = try RecordSource.member(
                        of: group, topic: topic, partitionCount: count, start: options.start, handle, context)
                    return (source, [Int32: Int64]())
                }
                let (source, positions) = try RecordSource.partitions(
                    count, of: topic, start: options.start, handle, context)
                return (source, positions)
            }
            do throws(BusError) {
                return try RecordConsumer(
                    client: client, source: source, positions: positions, context: context, decode: decode)
            } catch {
                await client.close(release: { source.release() })
                throw error
            }
        } catch {
            if error.code != .closed { context.contacted(.failed(error)) }
            await client.close()
            throw error
        }
    }
}
