import CRdKafka
import EventBus
import WorkflowModel

/// An event as a Kafka record: key, headers and time of DESIGN §5.
enum RecordEncoder {
    /// Hands the record to the producer's queue, which copies it.
    static func produce(
        _ event: EncodedEvent, cluster: String, to topic: OpaquePointer, _ client: OpaquePointer, opaque: UInt
    ) -> rd_kafka_resp_err_t {
        let fields = CloudEventsHeaders.headers(for: event, cluster: cluster)
        guard let headers = rd_kafka_headers_new(fields.count) else { return RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE }
        for (name, value) in fields {
            var value = value
            value.withUTF8 { _ = rd_kafka_header_add(headers, name, -1, $0.baseAddress, $0.count) }
        }
        return produce(
            key: event.executionID, value: event.bytes, milliseconds: event.time.microseconds / 1000,
            headers: headers, to: topic, client, opaque: opaque)
    }

    static func produce(
        _ activity: EncodedActivity, milliseconds: Int64, to topic: OpaquePointer, _ client: OpaquePointer
    ) -> rd_kafka_resp_err_t {
        guard let headers = rd_kafka_headers_new(1) else { return RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE }
        _ = rd_kafka_header_add(headers, "content-type", -1, "application/json", 16)
        return produce(
            key: activity.executionID, value: activity.bytes, milliseconds: milliseconds, headers: headers, to: topic,
            client, opaque: 0)
    }

    private static func produce(
        key: ExecutionID, value: [UInt8], milliseconds: Int64, headers: OpaquePointer, to topic: OpaquePointer,
        _ client: OpaquePointer, opaque: UInt
    ) -> rd_kafka_resp_err_t {
        var key = key.description
        return key.withUTF8 { key in
            value.withUnsafeBytes { value in
                crdkafka_produce(
                    client, topic, key.baseAddress, key.count, value.baseAddress, value.count, milliseconds, headers,
                    UnsafeMutableRawPointer(bitPattern: opaque))
            }
        }
    }
}
