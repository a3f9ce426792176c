import NIOCore

/// Frames as a server sends them (RFC 6455 §5.2): final, unmasked.
enum WebSocketFraming {
    static func writeHeader(opcode: UInt8, payloadByteCount count: Int, to buffer: inout ByteBuffer) {
        buffer.writeInteger(0x80 | opcode)
        switch count {
        case ..<126: buffer.writeInteger(UInt8(count))
        case ...Int(UInt16.max):
            buffer.writeInteger(UInt8(126))
            buffer.writeInteger(UInt16(count))
        default:
            buffer.writeInteger(UInt8(127))
            buffer.writeInteger(UInt64(count))
        }
    }

    static func ping() -> ByteBuffer { control(opcode: 0x9, payload: ByteBuffer()) }

    static func pong(_ payload: ByteBuffer) -> ByteBuffer { control(opcode: 0xA, payload: payload) }

    /// `reason` is cut to what a control frame holds, 123 bytes of UTF-8.
    static func close(code: UInt16, reason: String) -> ByteBuffer {
        var cut = Substring(reason)
        while cut.utf8.count > 123 { cut.removeLast() }
        var payload = ByteBuffer(integer: code)
        payload.writeSubstring(cut)
        return control(opcode: 0x8, payload: payload)
    }

    private static func control(opcode: UInt8, payload: ByteBuffer) -> ByteBuffer {
        var frame = ByteBufferAllocator().buffer(capacity: 2 + payload.readableBytes)
        writeHeader(opcode: opcode, payloadByteCount: payload.readableBytes, to: &frame)
        frame.writeImmutableBuffer(payload)
        return frame
    }
}
