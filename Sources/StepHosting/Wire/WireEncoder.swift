import StepABI
import WorkflowEngine
import WorkflowModel

/// Packs the frames the server sends.
struct WireEncoder {
    static let frameBytesMax = Int(STEP_WIRE_FRAME_BYTES_MAX)

    private(set) var bytes: [UInt8] = []

    /// - Parameter payloadBytes: what to make room for.
    private init(kind: Int, call: UInt64, payloadBytes: Int = 64) {
        bytes.reserveCapacity(Int(STEP_WIRE_HEADER_BYTES) + payloadBytes)
        integer(UInt32(0))
        bytes.append(UInt8(kind))
        integer(call)
    }

    private mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func blob(_ value: [UInt8]) {
        integer(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    private mutating func text(_ value: String) {
        integer(UInt32(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    private consuming func finished() -> [UInt8] {
        let length = UInt32(bytes.count - 4)
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: length >> (8 * UInt32(index))) }
        return bytes
    }

    static func open(path: String, configuration: [UInt8]) -> [UInt8] {
        var encoder = WireEncoder(kind: STEP_WIRE_OPEN, call: 0)
        encoder.text(path)
        encoder.blob(configuration)
        return encoder.finished()
    }

    /// - Parameter names: mangled; at most `STEP_WIRE_NAMES_MAX`.
    static func names(path: String, _ names: [String]) -> [UInt8] {
        var encoder = WireEncoder(kind: STEP_WIRE_NAMES, call: 0)
        encoder.text(path)
        encoder.text(names.joined(separator: "\n"))
        return encoder.finished()
    }

    /// Whether the call fits a frame; a larger one would end the step host that reads it.
    static func fits(_ call: StepCall) -> Bool {
        let texts = [call.function.function, call.workflow, call.path, call.idempotencyKey]
        // Seven lengths, the attempt and the deadline.
        let bytes = texts.reduce(call.input.count + call.checkpoint.count) { $0 + $1.utf8.count }
            + call.execution.description.utf8.count + 7 * 4 + 4 + 8
        return bytes + Int(STEP_WIRE_OVERHEAD_BYTES) <= frameBytesMax
    }

    /// - Parameter deadline: nanoseconds since 1970.
    static func call(_ id: UInt64, _ call: StepCall, deadline: Int64) -> [UInt8] {
        var encoder = WireEncoder(
            kind: STEP_WIRE_CALL, call: id, payloadBytes: call.input.count + call.checkpoint.count + 256)
        encoder.integer(UInt32(clamping: call.attempt))
        encoder.integer(deadline)
        encoder.text(call.function.function)
        encoder.blob(call.input)
        encoder.text(call.workflow)
        encoder.text(call.execution.description)
        encoder.text(call.path)
        encoder.text(call.idempotencyKey)
        encoder.blob(call.checkpoint)
        return encoder.finished()
    }

    static func cancel(_ id: UInt64, reason: Int) -> [UInt8] {
        var encoder = WireEncoder(kind: STEP_WIRE_CANCEL, call: id)
        encoder.integer(UInt32(reason))
        return encoder.finished()
    }

    static func reply(call: UInt64, token: UInt64, status: Int, value: [UInt8] = []) -> [UInt8] {
        var encoder = WireEncoder(kind: STEP_WIRE_REPLY, call: call, payloadBytes: value.count + 16)
        encoder.integer(token)
        encoder.integer(Int32(status))
        encoder.blob(value)
        return encoder.finished()
    }

    static func close() -> [UInt8] { WireEncoder(kind: STEP_WIRE_CLOSE, call: 0).finished() }
}
