import CRdKafka
import EventBus
import Glibc
import Logging
import Synchronization

/// Finds topics, makes those that are missing where that is allowed, and refuses what the settings contradict.
final class TopicDirectory: Sendable {
    /// How long the activity topic made here keeps what nobody reads twice.
    private static let activityRetention = Duration.seconds(3600)

    private let context: KafkaContext
    /// Partitions of the topics found so far: a topic is looked at once.
    private let known = Mutex<[String: Int]>([:])

    init(context: KafkaContext) { self.context = context }

    /// The topic's partitions, after it was made where it was missing.
    /// - Throws: `configuration` for a missing topic that may not be made and for one with other partitions than the
    ///   settings; `unavailable` when no broker answers; `closed` at once when the task is cancelled.
    func partitions(of topic: String) async throws(BusError) -> Int {
        if let count = known.withLock({ $0[topic] }) { return count }
        if context.isClosed { throw BusError(.closed, "the bus is closed") }
        let client = try KafkaClient(.admin, context: context)
        let result: Result<Int, BusError>
        do throws(BusError) {
            let configuration = context.configuration
            result = .success(
                try await client.ask { handle throws(BusError) in
                    try Self.find(topic, handle, configuration)
                })
        } catch {
            result = .failure(KafkaErrors.explained(error, by: client.lastReport.lastError))
        }
        if Task.isCancelled {
            // The library may still wait for a broker; it ends behind that, and nobody waits for it.
            Task { await client.close() }
        } else {
            await client.close()
        }
        let count = try result.get()
        known.withLock { $0[topic] = count }
        return count
    }

    /// Looks again the next time.
    func forget(_ topic: String) { known.withLock { _ = $0.removeValue(forKey: topic) } }

    private static func find(
        _ topic: String, _ client: OpaquePointer, _ configuration: KafkaBusConfiguration
    ) throws(BusError) -> Int {
        let timeout = Int32(clamping: configuration.limits.requestTimeout.components.seconds * 1000)
        var count = try partitionCount(of: topic, client, timeout)
        if count == nil {
            guard configuration.createsTopics else {
                throw BusError(
                    .configuration, "topic \(topic) does not exist and kafka.create_topics does not allow to make it")
            }
            try create(topic, client, configuration, timeout)
            count = try waitUntilVisible(topic, client, timeout)
        }
        guard let count else { throw BusError(.unavailable, "topic \(topic) was made and is not visible yet") }
        guard count == configuration.partitions else {
            throw BusError(
                .configuration,
                "topic \(topic) has \(count) partitions and kafka.partitions says \(configuration.partitions): "
                    + "an execution's events would change their partition")
        }
        return count
    }

    /// nil when there is no such topic.
    private static func partitionCount(
        of topic: String, _ client: OpaquePointer, _ timeout: Int32
    ) throws(BusError) -> Int? {
        guard let handle = rd_kafka_topic_new(client, topic, nil) else {
            throw KafkaErrors.error(rd_kafka_last_error(), topic)
        }
        defer { rd_kafka_topic_destroy(handle) }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        try KafkaErrors.check(rd_kafka_metadata(client, 0, handle, &metadata, timeout), "metadata of \(topic)")
        guard let metadata else { return nil }
        defer { rd_kafka_metadata_destroy(metadata) }
        guard metadata.pointee.topic_cnt == 1, let found = metadata.pointee.topics?.pointee else { return nil }
        switch found.err {
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: return nil
        case RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
            return found.partition_cnt > 0 ? Int(found.partition_cnt) : nil
        default: throw KafkaErrors.error(found.err, topic)
        }
    }

    private static func create(
        _ topic: String, _ client: OpaquePointer, _ configuration: KafkaBusConfiguration, _ timeout: Int32
    ) throws(BusError) {
        var text = [CChar](repeating: 0, count: 512)
        let new = rd_kafka_NewTopic_new(
            topic, Int32(configuration.partitions), Int32(configuration.replication ?? -1), &text, text.count)
        guard let new else { throw BusError(.configuration, "topic \(topic): \(String(cText: text))") }
        defer { rd_kafka_NewTopic_destroy(new) }
        _ = rd_kafka_NewTopic_set_config(new, "cleanup.policy", "delete")
        let retention =
            topic == configuration.topics.activity ? activityRetention : configuration.retention
        if let retention {
            _ = rd_kafka_NewTopic_set_config(new, "retention.ms", ClientProperties.milliseconds(retention))
        }
        guard let queue = rd_kafka_queue_new(client) else { throw BusError(.unavailable, "librdkafka has no memory") }
        defer { rd_kafka_queue_destroy(queue) }
        let options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS)
        defer { if let options { rd_kafka_AdminOptions_destroy(options) } }
        if let options {
            _ = rd_kafka_AdminOptions_set_request_timeout(options, timeout, &text, text.count)
            _ = rd_kafka_AdminOptions_set_operation_timeout(options, timeout, &text, text.count)
        }
        var topics: [OpaquePointer?] = [new]
        rd_kafka_CreateTopics(client, &topics, topics.count, options, queue)
        // The request's own timeout ends this; the margin is for the library.
        guard let event = rd_kafka_queue_poll(queue, timeout + 1000) else {
            throw BusError(.unavailable, "the broker did not answer the creation of topic \(topic)")
        }
        defer { rd_kafka_event_destroy(event) }
        let detail = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
        try KafkaErrors.check(rd_kafka_event_error(event), "creating \(topic): \(detail)")
        guard let result = rd_kafka_event_CreateTopics_result(event) else { return }
        var resultCount = 0
        guard let results = rd_kafka_CreateTopics_result_topics(result, &resultCount) else { return }
        for index in 0..<resultCount {
            let code = rd_kafka_topic_result_error(results[index])
            // Another role made it at the same moment.
            if code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS { continue }
            let reason = rd_kafka_topic_result_error_string(results[index]).map { String(cString: $0) } ?? ""
            try KafkaErrors.check(code, "creating \(topic): \(reason)")
        }
    }

    /// A broker may not know yet what its controller has made, and nothing tells when it does.
    private static func waitUntilVisible(
        _ topic: String, _ client: OpaquePointer, _ timeout: Int32
    ) throws(BusError) -> Int? {
        let end = ContinuousClock.now + .milliseconds(Int(timeout))
        while true {
            if let count = try partitionCount(of: topic, client, timeout) { return count }
            if ContinuousClock.now >= end { return nil }
            usleep(20_000)
        }
    }
}
