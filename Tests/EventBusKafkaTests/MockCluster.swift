import CRdKafka
import EventBus
import EventBusKafka

/// librdkafka's mock cluster in this process, on loopback: for injected errors, not for latency or retention.
///
/// Its topics are made by hand, since it has no CreateTopics.
// SAFETY: the mock serialises every call on its own thread.
final class MockCluster: @unchecked Sendable {
    private let client: OpaquePointer
    let cluster: OpaquePointer
    let bootstrap: String

    struct Failed: Error {}

    init(
        brokers: Int32 = 1, partitions: Int32 = 3,
        topics: [String] = [Topics.events, Topics.activity, Topics.deadLetter]
    ) throws {
        var text = [CChar](repeating: 0, count: 256)
        let configuration = rd_kafka_conf_new()
        // The mock tells every accepted connection to the log.
        rd_kafka_conf_set_log_cb(configuration, nil)
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, &text, text.count) else { throw Failed() }
        guard let cluster = rd_kafka_mock_cluster_new(client, brokers),
            let bootstrap = rd_kafka_mock_cluster_bootstraps(cluster)
        else {
            rd_kafka_destroy(client)
            throw Failed()
        }
        self.client = client
        self.cluster = cluster
        self.bootstrap = String(cString: bootstrap)
        for topic in topics {
            _ = rd_kafka_mock_topic_create(cluster, topic, partitions, min(brokers, 3))
        }
    }

    deinit {
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(client)
    }

    /// The broker's next answers to requests of this kind (the protocol's number).
    func fail(_ request: Int16, with errors: [rd_kafka_resp_err_t]) {
        rd_kafka_mock_push_request_errors_array(cluster, request, errors.count, errors)
    }

    func clearErrors(_ request: Int16) { rd_kafka_mock_clear_request_errors(cluster, request) }

    func setDown(_ broker: Int32 = 1) { _ = rd_kafka_mock_broker_set_down(cluster, broker) }
    func setUp(_ broker: Int32 = 1) { _ = rd_kafka_mock_broker_set_up(cluster, broker) }

    /// The protocol's numbers of request kinds.
    enum Request {
        static let produce: Int16 = 0
        static let metadata: Int16 = 3
        static let offsetCommit: Int16 = 8
        static let offsetFetch: Int16 = 9
        static let initProducerID: Int16 = 22
    }

    func configuration(partitions: Int = 3) -> KafkaBusConfiguration {
        var configuration = KafkaBusConfiguration(bootstrap: bootstrap)
        configuration.partitions = partitions
        configuration.createsTopics = false
        // The mock never wakes a waiting fetch; a group's next generation waits for the session of the last, and its
        // first for three seconds, which the session must outlast.
        configuration.properties = [
            "fetch.wait.max.ms": "10", "session.timeout.ms": "4000", "heartbeat.interval.ms": "200",
        ]
        configuration.memberName = nil
        return configuration
    }
}
