import NIOCore

/// One message to a stream's clients, rendered once however many receive it.
package struct StreamMessage: Sendable {
    /// The event's place, the `id:` of a server-sent event; nil for what is no event.
    package let sequence: Int?
    /// The `event:` of a server-sent event.
    package let type: String
    /// A whole unmasked WebSocket frame; copies share the storage.
    let frame: ByteBuffer
    private let headerByteCount: Int

    /// - Parameters:
    ///   - bytes: one line of UTF-8 JSON.
    ///   - isBinary: a WebSocket gets a binary message, in which any bytes may be.
    package init(sequence: Int?, type: String, bytes: [UInt8], isBinary: Bool = false) {
        self.sequence = sequence
        self.type = type
        var frame = ByteBufferAllocator().buffer(capacity: bytes.count + 10)
        WebSocketFraming.writeHeader(opcode: isBinary ? 0x2 : 0x1, payloadByteCount: bytes.count, to: &frame)
        headerByteCount = frame.readableBytes
        frame.writeBytes(bytes)
        self.frame = frame
    }

    /// The message's own bytes.
    package var bytes: [UInt8] { Array(frame.readableBytesView.dropFirst(headerByteCount)) }

    package var byteCount: Int { frame.readableBytes - headerByteCount }

    /// The message as a server-sent event; a line break in the bytes would end the `data:` line, and JSON has none.
    func writeServerSentEvent(to buffer: inout ByteBuffer) {
        if let sequence { buffer.writeString("id: \(sequence)\n") }
        buffer.writeString("event: \(type)\ndata: ")
        var payload = frame
        payload.moveReaderIndex(forwardBy: headerByteCount)
        buffer.writeBuffer(&payload)
        buffer.writeString("\n\n")
    }
}
