import CRdKafka
import EventBus
import Glibc
import WorkflowModel

/// Reads an event from a record's key and headers, never from its JSON.
enum RecordDecoder {
    /// Why a record is not an event of ours.
    enum NotOurs: String, Error, Hashable, Sendable {
        case headers = "it has no headers"
        case key = "its key is not an execution ID"
        case id = "ce_id is not its key and a sequence"
        case type = "ce_type is not io.stepstream.*.v1"
        case field = "ce_time, ce_workflow or ce_final is missing or wrong"
    }

    static func event(_ message: UnsafePointer<rd_kafka_message_t>) throws(NotOurs) -> EncodedEvent {
        let record = message.pointee
        let key = UnsafeRawBufferPointer(start: record.key, count: record.key_len)
        guard key.count == 36, let execution = ExecutionID(String(decoding: key, as: UTF8.self)) else { throw .key }
        var headers: OpaquePointer?
        guard rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR, let headers else {
            throw .headers
        }
        var fields = Fields()
        var index = 0
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while rd_kafka_header_get_all(headers, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
            if let name { fields.take(name, UnsafeRawBufferPointer(start: value, count: size)) }
            index += 1
        }
        guard let sequence = fields.sequence(of: key) else { throw .id }
        guard let type = fields.eventType else { throw .type }
        guard let time = fields.time.flatMap({ Timestamp(String(decoding: $0, as: UTF8.self)) }),
            let workflow = fields.workflow, let isFinal = fields.isFinal
        else { throw .field }
        return EncodedEvent(
            executionID: execution, workflow: String(decoding: workflow, as: UTF8.self), sequence: sequence,
            type: String(decoding: type, as: UTF8.self), time: time, isFinal: isFinal,
            bytes: Array(UnsafeRawBufferPointer(start: record.payload, count: record.len)),
            traceparent: fields.traceparent.map { String(decoding: $0, as: UTF8.self) })
    }

    /// The execution a record's key names.
    static func execution(_ message: UnsafePointer<rd_kafka_message_t>) -> ExecutionID? {
        let key = UnsafeRawBufferPointer(start: message.pointee.key, count: message.pointee.key_len)
        return key.count == 36 ? ExecutionID(String(decoding: key, as: UTF8.self)) : nil
    }

    /// Milliseconds since 1970; nil when the record has no time.
    static func milliseconds(_ message: UnsafePointer<rd_kafka_message_t>) -> Int64? {
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let time = rd_kafka_message_timestamp(message, &kind)
        return kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : time
    }

    /// Header values where the library keeps them; valid as long as the message.
    private struct Fields {
        var id: UnsafeRawBufferPointer?
        var type: UnsafeRawBufferPointer?
        var time: UnsafeRawBufferPointer?
        var workflow: UnsafeRawBufferPointer?
        var final: UnsafeRawBufferPointer?
        var traceparent: UnsafeRawBufferPointer?

        mutating func take(_ name: UnsafePointer<CChar>, _ value: UnsafeRawBufferPointer) {
            if strcmp(name, "ce_id") == 0 {
                id = value
            } else if strcmp(name, "ce_type") == 0 {
                type = value
            } else if strcmp(name, "ce_time") == 0 {
                time = value
            } else if strcmp(name, "ce_workflow") == 0 {
                workflow = value
            } else if strcmp(name, "ce_final") == 0 {
                final = value
            } else if strcmp(name, "traceparent") == 0 {
                traceparent = value
            }
        }

        /// `key:sequence`, the sequence from 1.
        func sequence(of key: UnsafeRawBufferPointer) -> Int? {
            guard let id, id.count > key.count + 1, id.count <= key.count + 19, id.starts(with: key),
                id[key.count] == UInt8(ascii: ":")
            else { return nil }
            var sequence = 0
            for byte in id[(key.count + 1)...] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                sequence = sequence * 10 + Int(byte - UInt8(ascii: "0"))
            }
            return sequence > 0 ? sequence : nil
        }

        var eventType: Slice<UnsafeRawBufferPointer>? {
            let (prefix, suffix): (StaticString, StaticString) = ("io.stepstream.", ".v1")
            guard let type, type.count > prefix.utf8CodeUnitCount + suffix.utf8CodeUnitCount,
                type.starts(with: prefix.bytes), type.suffix(suffix.utf8CodeUnitCount).elementsEqual(suffix.bytes)
            else { return nil }
            return type[prefix.utf8CodeUnitCount..<type.count - suffix.utf8CodeUnitCount]
        }

        var isFinal: Bool? {
            guard let final else { return nil }
            if final.elementsEqual("true".utf8) { return true }
            return final.elementsEqual("false".utf8) ? false : nil
        }
    }
}

extension StaticString {
    fileprivate var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}
