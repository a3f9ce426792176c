import StepABI

/// Bytes on the channel that are no frame of this build's step host.
struct WireError: Error, Hashable {
    var message: String
}

/// One frame as it arrived: kind, call and the payload still packed.
struct WireFrame {
    var kind: UInt8
    var call: UInt64
    var payload: ArraySlice<UInt8>
}

/// Cuts the byte stream of a channel into frames.
///
/// Holds at most one frame in the making (`STEP_WIRE_FRAME_BYTES_MAX`) and what one read brought along.
struct WireFrameBuffer {
    private static let keptBytesMax = 1 << 20

    private var bytes: [UInt8] = []
    private var start = 0

    mutating func append(_ chunk: UnsafeRawBufferPointer) {
        if start == bytes.count {
            // A large frame's memory is given back once the frame is gone.
            bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptBytesMax)
            start = 0
        } else if start > bytes.count / 2 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(contentsOf: chunk)
    }

    /// The next whole frame; nil when more bytes are needed.
    mutating func next() throws(WireError) -> WireFrame? {
        guard bytes.count - start >= 4 else { return nil }
        var length: UInt32 = 0
        for index in 0..<4 { length |= UInt32(bytes[start + index]) << (8 * UInt32(index)) }
        guard length >= STEP_WIRE_OVERHEAD_BYTES else { throw WireError(message: "a frame shorter than its header") }
        guard length <= STEP_WIRE_FRAME_BYTES_MAX else {
            throw WireError(message: "a frame of \(length) bytes, above the limit of \(STEP_WIRE_FRAME_BYTES_MAX)")
        }
        let end = start + 4 + Int(length)
        guard bytes.count >= end else { return nil }
        var cursor = WireCursor(bytes[(start + 5)..<end])
        let frame = WireFrame(kind: bytes[start + 4], call: try cursor.u64(), payload: cursor.rest)
        start = end
        return frame
    }
}

/// Reads the fields of a payload in order.
struct WireCursor {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    private mutating func integer<Value: FixedWidthInteger>(_: Value.Type) throws(WireError) -> Value {
        let count = Value.bitWidth / 8
        guard rest.count >= count else { throw WireError(message: "a frame with a field cut off") }
        var value: Value = 0
        var shift = 0
        for byte in rest.prefix(count) {
            value |= Value(truncatingIfNeeded: byte) << shift
            shift += 8
        }
        rest = rest.dropFirst(count)
        return value
    }

    mutating func u8() throws(WireError) -> UInt8 { try integer(UInt8.self) }
    mutating func u16() throws(WireError) -> UInt16 { try integer(UInt16.self) }
    mutating func u32() throws(WireError) -> UInt32 { try integer(UInt32.self) }
    mutating func u64() throws(WireError) -> UInt64 { try integer(UInt64.self) }
    mutating func i32() throws(WireError) -> Int32 { Int32(bitPattern: try u32()) }
    mutating func f64() throws(WireError) -> Double { Double(bitPattern: try u64()) }

    /// A field longer than `max` is no step host's: each cuts its fields itself. The limit holds here all the same,
    /// since a plugin may write to the channel past its host.
    mutating func blob(max: Int) throws(WireError) -> ArraySlice<UInt8> {
        let count = Int(try u32())
        guard rest.count >= count else { throw WireError(message: "a frame with a field cut off") }
        guard count <= max else { throw WireError(message: "a frame with a field of \(count) bytes, above its \(max)") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// Text for people: what is not UTF-8 is replaced.
    mutating func text(max: Int) throws(WireError) -> String { String(decoding: try blob(max: max), as: UTF8.self) }
}
