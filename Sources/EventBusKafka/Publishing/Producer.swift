import CRdKafka
import EventBus
import Logging
import WorkflowModel

/// One idempotent producer for one topic; used until the first record fails, then thrown away with what it holds.
///
/// Nothing of a failed batch may reach the broker after the batch is published again by the next producer.
final class Producer: Sendable {
    private let client: KafkaClient
    private let topic: Pointer
    private let cluster: String
    private let deliveries: Deliveries

    /// Records fail with `configuration` while the topic has other partitions than the settings: a broker that lost the
    /// topic may have made it again by itself.
    init(topic name: String, deliveries: Deliveries, context: KafkaContext) throws(BusError) {
        let partitions = Int32(context.configuration.partitions)
        cluster = context.configuration.cluster
        self.deliveries = deliveries
        client = try KafkaClient(
            .events, context: context, deliveries: { deliveries.take($0) })
        let made = try client.use { handle throws(BusError) in
            guard let topic = crdkafka_topic_of(handle, name, partitions) else {
                throw KafkaErrors.error(rd_kafka_last_error(), name)
            }
            return Pointer(topic)
        }
        guard let made else { throw BusError(.closed, "closed") }
        topic = made
    }

    var report: KafkaClient.Report { client.lastReport }

    /// Returns when the broker has acknowledged every record; waits where the library's queue is full.
    /// - Throws: what the first failed record failed with; `closed` when the task is cancelled.
    func publish(_ batch: [SourcedEvent]) async throws(BusError) {
        let ticket = deliveries.open(count: batch.count)
        defer { deliveries.close(ticket) }
        let result: Result<Void, BusError> = await withTaskCancellationHandler {
            do throws(BusError) {
                try await produce(batch, ticket)
                try await acknowledged(ticket)
                return .success(())
            } catch { return .failure(error) }
        } onCancel: {
            deliveries.fail(ticket, BusError(.closed, "the publishing task was cancelled"))
        }
        try result.get()
    }

    private func produce(_ batch: [SourcedEvent], _ ticket: Deliveries.Ticket) async throws(BusError) {
        var next = batch.startIndex
        while true {
            ticket.latch.clear()
            _ = try deliveries.isDone(ticket)
            let isFull = try client.use { handle throws(BusError) in
                while next < batch.endIndex {
                    let event = batch[next].event
                    let code = RecordEncoder.produce(
                        event, cluster: cluster, to: topic.raw, handle, opaque: ticket.number)
                    if code == RD_KAFKA_RESP_ERR__QUEUE_FULL { return true }
                    try KafkaErrors.check(code, "event \(event.id) of \(event.bytes.count) bytes")
                    next += 1
                }
                return false
            }
            guard let isFull else { throw BusError(.closed, "the publisher is closed") }
            if !isFull { return }
            await ticket.latch.wait()
        }
    }

    private func acknowledged(_ ticket: Deliveries.Ticket) async throws(BusError) {
        deliveries.seal(ticket)
        while true {
            ticket.latch.clear()
            if try deliveries.isDone(ticket) { return }
            await ticket.latch.wait()
        }
    }

    deinit {
        let (client, topic) = (client, topic)
        // Nothing happens when it was closed.
        Task { await client.close(release: { rd_kafka_topic_destroy(topic.raw) }) }
    }

    /// Drops what is queued or under way.
    func close() async {
        let topic = topic
        _ = try? client.use { handle throws(BusError) in
            rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING)
        }
        await client.close(release: { rd_kafka_topic_destroy(topic.raw) })
    }
}
