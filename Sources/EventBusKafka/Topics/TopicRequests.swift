import CRdKafka
import EventBus
import Glibc

/// What a broker is asked about topics, over one client; each call blocks up to the timeout.
struct TopicRequests {
    let client: OpaquePointer
    let timeoutMilliseconds: Int32

    init(_ client: OpaquePointer, timeout: Duration) {
        self.client = client
        timeoutMilliseconds = Int32(clamping: timeout.components.seconds * 1000)
    }

    struct Found {
        /// nil when there is no such topic.
        var partitions: Int?
        /// Brokers of the cluster.
        var brokers: Int
    }

    func find(_ topic: String) throws(BusError) -> Found {
        guard let handle = rd_kafka_topic_new(client, topic, nil) else {
            throw KafkaErrors.error(rd_kafka_last_error(), topic)
        }
        defer { rd_kafka_topic_destroy(handle) }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        try KafkaErrors.check(
            rd_kafka_metadata(client, 0, handle, &metadata, timeoutMilliseconds), "metadata of \(topic)")
        guard let metadata else { return Found(brokers: 0) }
        defer { rd_kafka_metadata_destroy(metadata) }
        let brokers = Int(metadata.pointee.broker_cnt)
        guard metadata.pointee.topic_cnt == 1, let found = metadata.pointee.topics?.pointee else {
            return Found(brokers: brokers)
        }
        switch found.err {
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: return Found(brokers: brokers)
        case RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
            let partitions = Int(found.partition_cnt)
            return Found(partitions: partitions > 0 ? partitions : nil, brokers: brokers)
        default: throw KafkaErrors.error(found.err, topic)
        }
    }

    /// Whether no record was ever written to it.
    func isUntouched(_ topic: String, partitions: Int) throws(BusError) -> Bool {
        try Watermarks.offsets(
            .high, topic: topic, partitions: 0..<Int32(clamping: partitions), client,
            timeout: .milliseconds(Int(timeoutMilliseconds))
        ).values.allSatisfy { $0 == 0 }
    }

    /// Makes the topic; one that another role made at the same moment is no error.
    func create(
        _ topic: String, partitions: Int, replication: Int?, settings: [(name: String, value: String)]
    ) throws(BusError) {
        var text = [CChar](repeating: 0, count: 512)
        let new = rd_kafka_NewTopic_new(
            topic, Int32(clamping: partitions), Int32(clamping: replication ?? -1), &text, text.count)
        guard let new else { throw BusError(.configuration, "topic \(topic): \(String(cText: text))") }
        defer { rd_kafka_NewTopic_destroy(new) }
        for (name, value) in settings { _ = rd_kafka_NewTopic_set_config(new, name, value) }
        try ask("creating \(topic)", RD_KAFKA_ADMIN_OP_CREATETOPICS, accepted: RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            options, queue in
            var topics: [OpaquePointer?] = [new]
            rd_kafka_CreateTopics(client, &topics, topics.count, options, queue)
        } answers: { event, count in
            rd_kafka_event_CreateTopics_result(event).map { rd_kafka_CreateTopics_result_topics($0, &count) } ?? nil
        }
    }

    /// Adds partitions until there are as many; a topic that another role has grown already is no error.
    func grow(_ topic: String, to partitions: Int) throws(BusError) {
        var text = [CChar](repeating: 0, count: 512)
        guard let new = rd_kafka_NewPartitions_new(topic, partitions, &text, text.count) else {
            throw BusError(.configuration, "topic \(topic): \(String(cText: text))")
        }
        defer { rd_kafka_NewPartitions_destroy(new) }
        try ask(
            "adding partitions to \(topic)", RD_KAFKA_ADMIN_OP_CREATEPARTITIONS,
            accepted: RD_KAFKA_RESP_ERR_INVALID_PARTITIONS
        ) { options, queue in
            var topics: [OpaquePointer?] = [new]
            rd_kafka_CreatePartitions(client, &topics, topics.count, options, queue)
        } answers: { event, count in
            rd_kafka_event_CreatePartitions_result(event).map { rd_kafka_CreatePartitions_result_topics($0, &count) }
                ?? nil
        }
    }

    /// Asks again until the topic has as many partitions: a broker may not know yet what its controller has done, and
    /// nothing tells when it does. Gives the last count.
    func waitUntilVisible(_ topic: String, partitions: Int) throws(BusError) -> Int? {
        let end = ContinuousClock.now + .milliseconds(Int(timeoutMilliseconds))
        while true {
            let count = try find(topic).partitions
            if count == partitions || ContinuousClock.now >= end { return count }
            usleep(20_000)
        }
    }

    /// Sends one administrative request and waits for its answer.
    ///
    /// - Parameters:
    ///   - accepted: an error of a topic's own that is none.
    ///   - answers: the event's results, one a topic.
    private func ask(
        _ action: String, _ operation: rd_kafka_admin_op_t, accepted: rd_kafka_resp_err_t,
        send: (_ options: OpaquePointer?, _ queue: OpaquePointer) -> Void,
        answers: (_ event: OpaquePointer, _ count: inout Int) -> UnsafeMutablePointer<OpaquePointer?>?
    ) throws(BusError) {
        guard let queue = rd_kafka_queue_new(client) else { throw BusError(.unavailable, "librdkafka has no memory") }
        defer { rd_kafka_queue_destroy(queue) }
        let options = rd_kafka_AdminOptions_new(client, operation)
        defer { if let options { rd_kafka_AdminOptions_destroy(options) } }
        if let options {
            var text = [CChar](repeating: 0, count: 512)
            _ = rd_kafka_AdminOptions_set_request_timeout(options, timeoutMilliseconds, &text, text.count)
            _ = rd_kafka_AdminOptions_set_operation_timeout(options, timeoutMilliseconds, &text, text.count)
        }
        send(options, queue)
        // The request's own timeout ends this; the margin is for the library.
        guard let event = rd_kafka_queue_poll(queue, timeoutMilliseconds + 1000) else {
            throw BusError(.unavailable, "\(action): the broker did not answer")
        }
        defer { rd_kafka_event_destroy(event) }
        let detail = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
        try KafkaErrors.check(rd_kafka_event_error(event), "\(action): \(detail)")
        var count = 0
        guard let results = answers(event, &count) else { return }
        for index in 0..<count {
            let code = rd_kafka_topic_result_error(results[index])
            if code == accepted { continue }
            let reason = rd_kafka_topic_result_error_string(results[index]).map { String(cString: $0) } ?? ""
            try KafkaErrors.check(code, "\(action): \(reason)")
        }
    }
}
