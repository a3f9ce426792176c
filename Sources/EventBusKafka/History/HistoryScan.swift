import CRdKafka
import EventBus
import WorkflowModel

/// Looks through one partition for one execution, within its limits; blocks.
struct HistoryScan {
    struct Limits: Hashable, Sendable {
        var recordsMax = 200_000
        var duration = Duration.seconds(2)
        /// Clocks of orchestrator and client may differ by this much: an ID is given up to a minute ahead, and more is
        /// forgiven.
        var clockSkew = Duration.seconds(300)
    }

    var topic: String
    var partitionCount: Int
    var execution: ExecutionID
    var collector: HistoryCollector
    var limits = Limits()
    /// For identifiers that cannot have been trimmed yet.
    var nowMilliseconds: Int64

    mutating func run(_ client: OpaquePointer, timeout: Duration) throws(BusError) -> EventHistoryPage {
        let end = ContinuousClock.now + limits.duration
        guard let handle = rd_kafka_topic_new(client, topic, nil) else {
            throw KafkaErrors.error(rd_kafka_last_error(), topic)
        }
        defer { rd_kafka_topic_destroy(handle) }
        var key = execution.description
        let partition = key.withUTF8 {
            rd_kafka_msg_partitioner_murmur2(handle, $0.baseAddress, $0.count, Int32(partitionCount), nil, nil)
        }
        var (low, high): (Int64, Int64) = (0, 0)
        try KafkaErrors.check(
            rd_kafka_query_watermark_offsets(
                client, topic, partition, &low, &high, Int32(clamping: timeout.components.seconds * 1000)),
            "the ends of \(topic)")
        let earliest = execution.time.microseconds / 1000 - limits.clockSkew.microseconds / 1000
        let isFresh = earliest + 2 * limits.clockSkew.microseconds / 1000 >= nowMilliseconds
        guard low < high else { return page(isSearchedWhole: true, mayBeTrimmed: low > 0 && !isFresh) }
        let found = try Watermarks.offsets(
            .at(milliseconds: earliest), topic: topic, partitions: [partition], client, timeout: timeout)[partition]
        var start = found ?? -1
        if start < 0 {
            // Nothing that young, or a broker that does not know times: the last record tells which.
            guard try isLastRecordYounger(than: earliest, handle, partition, high, end) else {
                return page(isSearchedWhole: true, mayBeTrimmed: false)
            }
            start = low
        }
        start = max(start, low)
        let isWhole = try look(handle, partition, start..<high, end)
        // A record before the start is older than any of this execution's: nothing of it can be gone.
        return page(isSearchedWhole: isWhole, mayBeTrimmed: start == low && low > 0 && !isFresh)
    }

    private func page(isSearchedWhole: Bool, mayBeTrimmed: Bool) -> EventHistoryPage {
        collector.page(isSearchedWhole: isSearchedWhole, mayBeTrimmed: mayBeTrimmed)
    }

    /// Collects from the offsets; false when the limits ended it.
    private mutating func look(
        _ topic: OpaquePointer, _ partition: Int32, _ offsets: Range<Int64>, _ end: ContinuousClock.Instant
    ) throws(BusError) -> Bool {
        var collector = collector
        defer { self.collector = collector }
        let key = Array(execution.description.utf8)
        var recordCount = 0
        return try Self.read(topic, partition, offsets, end) { message throws(BusError) in
            recordCount += 1
            if UnsafeRawBufferPointer(start: message.pointee.key, count: message.pointee.key_len).elementsEqual(key),
                let event = try? RecordDecoder.event(message)
            {
                collector.add(event)
            }
            return collector.isComplete || recordCount >= limits.recordsMax
        } || collector.isComplete
    }

    private func isLastRecordYounger(
        than milliseconds: Int64, _ topic: OpaquePointer, _ partition: Int32, _ high: Int64,
        _ end: ContinuousClock.Instant
    ) throws(BusError) -> Bool {
        var isYounger = false
        _ = try Self.read(topic, partition, high - 1..<high, end) { message throws(BusError) in
            isYounger = RecordDecoder.milliseconds(message).map { $0 >= milliseconds } ?? true
            return false
        }
        return isYounger
    }

    /// Calls `body` with each record until it says to stop; true when all of the offsets were seen.
    private static func read(
        _ topic: OpaquePointer, _ partition: Int32, _ offsets: Range<Int64>, _ end: ContinuousClock.Instant,
        _ body: (UnsafePointer<rd_kafka_message_t>) throws(BusError) -> Bool
    ) throws(BusError) -> Bool {
        guard rd_kafka_consume_start(topic, partition, offsets.lowerBound) == 0 else {
            throw KafkaErrors.error(rd_kafka_last_error(), "partition \(partition)")
        }
        defer { _ = rd_kafka_consume_stop(topic, partition) }
        while true {
            let milliseconds = (end - ContinuousClock.now).microseconds / 1000
            guard milliseconds > 0, let message = rd_kafka_consume(topic, partition, Int32(clamping: milliseconds))
            else { return false }
            defer { rd_kafka_message_destroy(message) }
            // Connections the library mends itself, until the time is up.
            guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            if message.pointee.offset >= offsets.upperBound { return true }
            let isEnough = try body(message)
            if message.pointee.offset + 1 >= offsets.upperBound { return true }
            if isEnough { return false }
        }
    }
}
