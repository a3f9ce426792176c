import CRdKafka
import EventBus

/// Asks brokers for offsets of many partitions in one request to each leader; blocks.
enum Watermarks {
    enum Place: Hashable, Sendable {
        case low, high
        /// The first record at or after this moment, -1 when there is none.
        case at(milliseconds: Int64)

        // ListOffsets has these two in place of a time; the library passes them on.
        var time: Int64 {
            switch self {
            case .low: Int64(RD_KAFKA_OFFSET_BEGINNING)
            case .high: Int64(RD_KAFKA_OFFSET_END)
            case .at(let milliseconds): milliseconds
            }
        }
    }

    static func offsets(
        _ place: Place, topic: String, partitions: some Collection<Int32>, _ client: OpaquePointer, timeout: Duration
    ) throws(BusError) -> [Int32: Int64] {
        if partitions.isEmpty { return [:] }
        guard let list = rd_kafka_topic_partition_list_new(Int32(partitions.count)) else {
            throw BusError(.unavailable, "librdkafka has no memory")
        }
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for partition in partitions {
            rd_kafka_topic_partition_list_add(list, topic, partition)?.pointee.offset = place.time
        }
        try KafkaErrors.check(
            rd_kafka_offsets_for_times(client, list, Int32(clamping: timeout.components.seconds * 1000)),
            "offsets of \(topic)")
        return try list.offsets()
    }
}

extension UnsafeMutablePointer<rd_kafka_topic_partition_list_t> {
    var elements: UnsafeMutableBufferPointer<rd_kafka_topic_partition_t> {
        UnsafeMutableBufferPointer(start: pointee.elems, count: Int(pointee.cnt))
    }

    /// - Throws: the first partition's error.
    func offsets() throws(BusError) -> [Int32: Int64] {
        var offsets: [Int32: Int64] = [:]
        for element in elements {
            try KafkaErrors.check(element.err, "partition \(element.partition)")
            offsets[element.partition] = element.offset
        }
        return offsets
    }
}
