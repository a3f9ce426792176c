import CRdKafka
import EventBus
import EventBusKafka
import Foundation
import Glibc
import WorkflowModel

/// Events of executions 0, 1, 2 …, one position each.
struct Events {
    private(set) var all: [SourcedEvent] = []
    private(set) var executions: [ExecutionID] = []
    private var random = SystemRandomNumberGenerator()

    mutating func add(
        execution index: Int, count: Int, size: Int = 40, time: Timestamp = .now, endsWithFinal: Bool = false
    ) -> [SourcedEvent] {
        while executions.count <= index { executions.append(ExecutionID(at: time, using: &random)) }
        let execution = executions[index]
        let before = all.filter { $0.event.executionID == execution }.count
        let added = (1...count).map { step in
            SourcedEvent(
                position: SourcePosition(rawValue: Int64(all.count + step)),
                event: EncodedEvent(
                    executionID: execution, workflow: "w", sequence: before + step, type: "step_started", time: time,
                    isFinal: endsWithFinal && step == count, bytes: Array(String(repeating: "x", count: size).utf8)))
        }
        all += added
        return added
    }
}

extension Timestamp {
    static var now: Timestamp { Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000)) }
}

/// The error a call throws; nil when it throws none.
func error(of body: () async throws -> Void) async -> BusError? {
    do { try await body() } catch { return error as? BusError }
    return nil
}

extension EventSubscription {
    /// Reads until `count` records have come, and gives them.
    func read(_ count: Int) async throws -> [DeliveredEvent] {
        var events: [DeliveredEvent] = []
        while events.count < count {
            let more = try await next(limit: 100)
            if more.isEmpty { break }
            events += more
        }
        return events
    }
}

/// librdkafka as another team's client uses it, for what the bus's own ports do not show.
final class RawClient {
    struct Record: Equatable {
        var partition: Int32
        var key: String
        var value: [UInt8]
        var milliseconds: Int64
        var headers: [String]
    }

    private let producer: OpaquePointer
    private let consumer: OpaquePointer

    init(bootstrap: String) {
        func client(_ type: rd_kafka_type_t) -> OpaquePointer {
            let configuration = rd_kafka_conf_new()
            rd_kafka_conf_set(configuration, "bootstrap.servers", bootstrap, nil, 0)
            rd_kafka_conf_set(configuration, "fetch.wait.max.ms", "10", nil, 0)
            return rd_kafka_new(type, configuration, nil, 0)!
        }
        producer = client(RD_KAFKA_PRODUCER)
        consumer = client(RD_KAFKA_CONSUMER)
    }

    /// Writes a record and waits for it.
    func write(_ topic: String, key: String, value: String = "{}", headers: KeyValuePairs<String, String> = [:]) {
        let handle = rd_kafka_topic_new(producer, topic, nil)!
        let list = rd_kafka_headers_new(headers.count)!
        for (name, value) in headers { rd_kafka_header_add(list, name, -1, value, value.utf8.count) }
        _ = crdkafka_produce(producer, handle, key, key.utf8.count, value, value.utf8.count, 0, list, nil)
        rd_kafka_flush(producer, 10_000)
        rd_kafka_topic_destroy(handle)
    }

    /// Every record of the topic's partitions as they stand, partition by partition.
    func read(_ topic: String, partitions: Int32) -> [Record] {
        let handle = rd_kafka_topic_new(consumer, topic, nil)!
        defer { rd_kafka_topic_destroy(handle) }
        return (0..<partitions).flatMap { partition -> [Record] in
            var (low, high): (Int64, Int64) = (0, 0)
            rd_kafka_query_watermark_offsets(consumer, topic, partition, &low, &high, 10_000)
            var records: [Record] = []
            guard low < high else { return [] }
            rd_kafka_consume_start(handle, partition, low)
            defer { rd_kafka_consume_stop(handle, partition) }
            while let message = rd_kafka_consume(handle, partition, 10_000) {
                defer { rd_kafka_message_destroy(message) }
                guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
                records.append(Self.record(message))
                if message.pointee.offset + 1 >= high { break }
            }
            return records
        }
    }

    private static func record(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> Record {
        var headers: OpaquePointer?
        var texts: [String] = []
        if rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR {
            var name: UnsafePointer<CChar>?
            var value: UnsafeRawPointer?
            var size = 0
            while rd_kafka_header_get_all(headers, texts.count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
                let text = String(decoding: UnsafeRawBufferPointer(start: value, count: size), as: UTF8.self)
                texts.append("\(String(cString: name!)): \(text)")
            }
        }
        let pointee = message.pointee
        return Record(
            partition: pointee.partition,
            key: String(decoding: UnsafeRawBufferPointer(start: pointee.key, count: pointee.key_len), as: UTF8.self),
            value: Array(UnsafeRawBufferPointer(start: pointee.payload, count: pointee.len)),
            milliseconds: rd_kafka_message_timestamp(message, nil), headers: texts)
    }

    deinit {
        rd_kafka_destroy(producer)
        rd_kafka_destroy(consumer)
    }
}
