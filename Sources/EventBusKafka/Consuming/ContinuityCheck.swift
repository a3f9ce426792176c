import CRdKafka
import EventBus
import WorkflowModel

/// Looks whether a topic still holds what was read of it around the loss of a connection; blocks.
///
/// A broker may come back without the end of its log, and grow again over the offset a reader waits at, which then
/// misses records and cannot tell by offsets alone. A log that has the same record at an offset is the same up to there.
struct ContinuityCheck<Value: Sendable & Equatable>: Sendable {
    /// A record that was read, as it was.
    struct Landmark: Sendable {
        var offset: Int64
        var value: Value
    }

    typealias Decode = @Sendable (UnsafePointer<rd_kafka_message_t>) throws(RecordDecoder.NotOurs) -> Value

    /// Records read for one check at most; a topic that has more between its landmarks counts as broken.
    private static var recordsMax: Int { 100_000 }

    var topic: String
    /// The next offset of each partition.
    var positions: [Int32: Int64]
    /// In ascending order; the last record before the loss is among them, where there was one.
    var landmarks: [Int32: [Landmark]]
    var decode: Decode

    /// A partition that is not what was read of it; nil when none shows a difference.
    /// - Throws: `unavailable` when the brokers do not answer in time.
    func firstBroken(_ client: OpaquePointer, timeout: Duration) throws(BusError) -> Int32? {
        let partitions = positions.keys.sorted()
        let highs = try Watermarks.offsets(.high, topic: topic, partitions: partitions, client, timeout: timeout)
        if let shorter = partitions.first(where: { (highs[$0] ?? 0) < positions[$0] ?? 0 }) { return shorter }
        let lows = try Watermarks.offsets(.low, topic: topic, partitions: partitions, client, timeout: timeout)
        // What retention took can no longer be compared.
        let held = landmarks.compactMapValues { landmarks in landmarks.isEmpty ? nil : landmarks }
            .filter { partition, landmarks in (lows[partition] ?? 0) <= landmarks[0].offset }
        return try firstDifferent(held, client, ContinuousClock.now + timeout)
    }

    private func firstDifferent(
        _ landmarks: [Int32: [Landmark]], _ client: OpaquePointer, _ end: ContinuousClock.Instant
    ) throws(BusError) -> Int32? {
        if landmarks.isEmpty { return nil }
        guard let handle = rd_kafka_topic_new(client, topic, nil) else {
            throw KafkaErrors.error(rd_kafka_last_error(), topic)
        }
        defer { rd_kafka_topic_destroy(handle) }
        guard let queue = rd_kafka_queue_new(client) else { throw KafkaErrors.error(rd_kafka_last_error(), topic) }
        defer { rd_kafka_queue_destroy(queue) }
        var started: [Int32] = []
        defer { for partition in started { rd_kafka_consume_stop(handle, partition) } }
        for (partition, landmarks) in landmarks {
            guard rd_kafka_consume_start_queue(handle, partition, landmarks[0].offset, queue) == 0 else {
                throw KafkaErrors.error(rd_kafka_last_error(), "\(topic) partition \(partition)")
            }
            started.append(partition)
        }
        var left = landmarks.mapValues { $0[...] }
        var recordCount = 0
        while !left.isEmpty {
            let milliseconds = (end - ContinuousClock.now).milliseconds
            guard milliseconds > 0 else { throw BusError(.unavailable, "\(topic) could not be read in time") }
            guard let message = rd_kafka_consume_queue(queue, Int32(clamping: Int(milliseconds))) else { continue }
            defer { rd_kafka_message_destroy(message) }
            let partition = message.pointee.partition
            // Connections the library mends itself, until the time is up.
            guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR, let next = left[partition]?.first else { continue }
            recordCount += 1
            if message.pointee.offset > next.offset || recordCount > Self.recordsMax { return partition }
            guard message.pointee.offset == next.offset else { continue }
            if (try? decode(message)) != next.value { return partition }
            left[partition] = left[partition]?.dropFirst()
            if left[partition]?.isEmpty ?? true { left[partition] = nil }
        }
        return nil
    }
}
