import CRdKafka
import EventBus
import Logging
import Synchronization

/// A queue of fetched records and how it is filled: as a group's member, or from partitions chosen by hand.
final class RecordSource: Sendable {
    /// nil for partitions chosen by hand.
    let group: String?
    let topic: String
    let queue: Pointer
    /// Signalled when the queue has something.
    let latch: Latch
    private let watch: EventPoller.Watch
    /// The topic and its partitions, where they were chosen by hand.
    private let chosen: (topic: Pointer, partitions: [Int32])?

    private init(
        group: String?, topic: String, queue: OpaquePointer, chosen: (topic: Pointer, partitions: [Int32])?,
        context: KafkaContext
    ) throws(BusError) {
        self.group = group
        self.topic = topic
        self.queue = Pointer(queue)
        self.chosen = chosen
        let latch = Latch()
        self.latch = latch
        watch = try context.poller.watch { latch.signal() }
        KafkaClient.enableEvents(queue, watch)
    }

    /// Frees the queue, on the client's thread; nobody uses the source after it.
    func release() {
        if let chosen {
            for partition in chosen.partitions { _ = rd_kafka_consume_stop(chosen.topic.raw, partition) }
        }
        watch.cancel()
        rd_kafka_queue_io_event_enable(queue.raw, -1, nil, 0)
        rd_kafka_queue_destroy(queue.raw)
        if let chosen { rd_kafka_topic_destroy(chosen.topic.raw) }
    }

    // MARK: - Partitions chosen by hand

    /// Follows every partition of the topic from where `start` says; no group, no commits. Blocks.
    static func partitions(
        _ count: Int, of topic: String, start: SubscriptionOptions.Start, _ client: OpaquePointer,
        _ context: KafkaContext
    ) throws(BusError) -> (RecordSource, positions: [Int32: Int64]) {
        let partitions = (0..<Int32(clamping: count)).map { $0 }
        let timeout = context.configuration.limits.requestTimeout
        func ends(_ end: Watermarks.Place) throws(BusError) -> [Int32: Int64] {
            try Watermarks.offsets(end, topic: topic, partitions: partitions, client, timeout: timeout)
        }
        let positions: [Int32: Int64]
        switch start {
        case .beginning: positions = try ends(.low)
        case .end: positions = try ends(.high)
        case .positions(let wanted):
            let highs = try ends(.high)
            var offsets = try ends(.low)
            for position in wanted {
                let partition = Int32(clamping: position.partition)
                // A partition that is shorter is another one than was read.
                guard let low = offsets[partition], let high = highs[partition], position.nextOffset <= high else {
                    continue
                }
                offsets[partition] = max(low, position.nextOffset)
            }
            positions = offsets
        }
        guard let handle = rd_kafka_topic_new(client, topic, nil) else {
            throw KafkaErrors.error(rd_kafka_last_error(), topic)
        }
        guard let queue = rd_kafka_queue_new(client) else {
            rd_kafka_topic_destroy(handle)
            throw BusError(.unavailable, "librdkafka has no memory")
        }
        let source = try RecordSource(
            group: nil, topic: topic, queue: queue, chosen: (Pointer(handle), partitions), context: context)
        for (partition, offset) in positions where rd_kafka_consume_start_queue(handle, partition, offset, queue) != 0 {
            let code = rd_kafka_last_error()
            source.release()
            throw KafkaErrors.error(code, "\(topic) partition \(partition)")
        }
        return (source, positions)
    }

    // MARK: - A group's member

    /// Joins the group. With `start` at the end, the end is fixed now: partitions without a position get one. Blocks.
    static func member(
        of group: String, topic: String, partitionCount: Int, start: SubscriptionOptions.Start, _ client: OpaquePointer,
        _ context: KafkaContext
    ) throws(BusError) -> RecordSource {
        let timeout = context.configuration.limits.requestTimeout
        if start == .end { try fixEnd(topic, partitionCount, client, timeout) }
        guard let queue = rd_kafka_queue_get_consumer(client) else {
            throw BusError(.unavailable, "librdkafka has no consumer queue")
        }
        let source = try RecordSource(group: group, topic: topic, queue: queue, chosen: nil, context: context)
        guard let list = rd_kafka_topic_partition_list_new(1) else {
            throw BusError(.unavailable, "librdkafka has no memory")
        }
        defer { rd_kafka_topic_partition_list_destroy(list) }
        rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA)
        let code = rd_kafka_subscribe(client, list)
        if code != RD_KAFKA_RESP_ERR_NO_ERROR {
            source.release()
            throw KafkaErrors.error(code, topic)
        }
        return source
    }

    private static func fixEnd(
        _ topic: String, _ count: Int, _ client: OpaquePointer, _ timeout: Duration
    ) throws(BusError) {
        let partitions = (0..<Int32(clamping: count)).map { $0 }
        let missing = try committed(topic, partitions, client, timeout).filter { $0.value < 0 }.map(\.key)
        guard !missing.isEmpty else { return }
        let ends = try Watermarks.offsets(.high, topic: topic, partitions: missing, client, timeout: timeout)
        try withList(topic, ends) { list throws(BusError) in
            let code = rd_kafka_commit(client, list, 0)
            // The group has members already: their positions are the group's, not ours.
            let isTheirs = [
                RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
                RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
            ].contains(code)
            if !isTheirs { try KafkaErrors.check(code, "the group's first position") }
        }
    }

    private static func committed(
        _ topic: String, _ partitions: [Int32], _ client: OpaquePointer, _ timeout: Duration
    ) throws(BusError) -> [Int32: Int64] {
        let unknown = Dictionary(uniqueKeysWithValues: partitions.map { ($0, Int64(RD_KAFKA_OFFSET_INVALID)) })
        return try withList(topic, unknown) { list throws(BusError) in
            try KafkaErrors.check(
                rd_kafka_committed(client, list, Int32(clamping: timeout.components.seconds * 1000)), "positions")
            return try list.offsets()
        }
    }

    private static func withList<Value>(
        _ topic: String, _ offsets: [Int32: Int64],
        _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) throws(BusError) -> Value
    ) throws(BusError) -> Value {
        guard let list = rd_kafka_topic_partition_list_new(Int32(clamping: offsets.count)) else {
            throw BusError(.unavailable, "librdkafka has no memory")
        }
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            rd_kafka_topic_partition_list_add(list, topic, partition)?.pointee.offset = offset
        }
        return try body(list)
    }

    /// Takes or gives up partitions as the group says; the offsets they begin at, negative where unknown. Blocks.
    ///
    /// - Parameter known: where this member stands; what it has delivered does not come to it again.
    func rebalance(
        _ event: OpaquePointer, _ client: OpaquePointer, known: [Int32: Int64], timeout: Duration
    ) -> [Int32: Int64] {
        guard rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS,
            let list = rd_kafka_event_topic_partition_list(event)
        else {
            _ = rd_kafka_assign(client, nil)
            return [:]
        }
        let partitions = list.elements.map(\.partition)
        var starts: [Int32: Int64] = [:]
        // Without an answer no place is known, not even that the group has none: the library then asks again itself
        // until it is told, and what this member has delivered it passes over.
        if let committed = try? Self.committed(topic, partitions, client, timeout) {
            starts = committed
            let missing = partitions.filter { starts[$0] ?? -1 < 0 }
            let lows = try? Watermarks.offsets(.low, topic: topic, partitions: missing, client, timeout: timeout)
            for (partition, low) in lows ?? [:] { starts[partition] = low }
            for partition in partitions {
                if let position = known[partition] { starts[partition] = max(position, starts[partition] ?? 0) }
            }
        }
        for index in list.elements.indices {
            let start = starts[list.elements[index].partition] ?? -1
            list.elements[index].offset = start >= 0 ? start : Int64(RD_KAFKA_OFFSET_INVALID)
        }
        _ = rd_kafka_assign(client, list)
        return Dictionary(uniqueKeysWithValues: partitions.map { ($0, starts[$0] ?? -1) })
    }
}
