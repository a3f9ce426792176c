import CRdKafka

/// A member of a consumer group on one topic.
final class Consumer {
    struct Failure: Error, CustomStringConvertible {
        var description: String

        init(_ description: String) { self.description = description }
        init(_ text: [CChar]) {
            description = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }

    enum Next {
        case record(Record)
        /// A partition was read to its end.
        case end(partition: Int32)
        case nothing
    }

    struct Record {
        var partition: Int32
        var offset: Int64
        var headers: [String: String]
        var value: [UInt8]
    }

    private let handle: OpaquePointer
    private let topic: String

    /// Begins with the oldest record where the group has no position yet.
    init(bootstrap: String, group: String, topic: String) throws {
        self.topic = topic
        let settings = [
            ("bootstrap.servers", bootstrap), ("group.id", group), ("auto.offset.reset", "earliest"),
            // The position is stored after the effect, and committed in the background and at the end.
            ("enable.auto.offset.store", "false"), ("enable.partition.eof", "true"),
        ]
        let configuration = rd_kafka_conf_new()
        var reason = [CChar](repeating: 0, count: 512)
        for (name, value) in settings
        where rd_kafka_conf_set(configuration, name, value, &reason, reason.count) != RD_KAFKA_CONF_OK {
            rd_kafka_conf_destroy(configuration)
            throw Failure(reason)
        }
        guard let handle = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, &reason, reason.count) else {
            rd_kafka_conf_destroy(configuration)
            throw Failure(reason)
        }
        self.handle = handle
        rd_kafka_poll_set_consumer(handle)
        let topics = rd_kafka_topic_partition_list_new(1)
        defer { rd_kafka_topic_partition_list_destroy(topics) }
        rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA)
        try Self.check(rd_kafka_subscribe(handle, topics))
    }

    deinit {
        rd_kafka_consumer_close(handle)
        rd_kafka_destroy(handle)
    }

    /// Waits for something, a second at the most.
    func next() throws -> Next {
        guard let message = rd_kafka_consumer_poll(handle, 1000) else { return .nothing }
        defer { rd_kafka_message_destroy(message) }
        switch message.pointee.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            let value = UnsafeRawBufferPointer(start: message.pointee.payload, count: message.pointee.len)
            return .record(
                Record(
                    partition: message.pointee.partition, offset: message.pointee.offset,
                    headers: Self.headers(of: message), value: Array(value)))
        case RD_KAFKA_RESP_ERR__PARTITION_EOF: return .end(partition: message.pointee.partition)
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN: return .nothing  // it reconnects
        case let error: throw Failure(String(cString: rd_kafka_err2str(error)))
        }
    }

    /// Remembers that the record's effect is done.
    func store(_ record: Record) throws {
        let positions = rd_kafka_topic_partition_list_new(1)
        defer { rd_kafka_topic_partition_list_destroy(positions) }
        rd_kafka_topic_partition_list_add(positions, topic, record.partition).pointee.offset = record.offset + 1
        try Self.check(rd_kafka_offsets_store(handle, positions))
    }

    /// How many partitions are this member's now.
    var assignmentCount: Int {
        var assigned: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
        guard rd_kafka_assignment(handle, &assigned) == RD_KAFKA_RESP_ERR_NO_ERROR, let assigned else { return 0 }
        defer { rd_kafka_topic_partition_list_destroy(assigned) }
        return Int(assigned.pointee.cnt)
    }

    private static func headers(of message: UnsafePointer<rd_kafka_message_t>) -> [String: String] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR else { return [:] }
        var headers: [String: String] = [:]
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var count = 0
        var index = 0
        while rd_kafka_header_get_all(list, index, &name, &value, &count) == RD_KAFKA_RESP_ERR_NO_ERROR {
            index += 1
            guard let name else { continue }
            let bytes = UnsafeRawBufferPointer(start: value, count: count)
            headers[String(cString: name)] = String(decoding: bytes, as: UTF8.self)
        }
        return headers
    }

    private static func check(_ error: rd_kafka_resp_err_t) throws {
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw Failure(String(cString: rd_kafka_err2str(error)))
        }
    }
}
