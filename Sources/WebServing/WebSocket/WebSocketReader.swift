import NIOCore

/// Reads what a client sends, by RFC 6455, and says at the first byte that breaks it what is wrong.
///
/// NIO's own decoder was rejected: it lets reserved bits and opcodes, unmasked frames and lengths in longer forms
/// through, and collects frames without joining messages.
struct WebSocketReader: NIOSingleStepByteToMessageDecoder {
    typealias InboundOut = WebSocketMessage

    private enum Opcode: UInt8 {
        case continuation = 0x0
        case text = 0x1
        case binary = 0x2
        case close = 0x8
        case ping = 0x9
        case pong = 0xA

        var isControl: Bool { rawValue & 0x8 != 0 }
    }

    private struct Frame {
        var opcode: Opcode
        var isFinal: Bool
        var mask: [UInt8]
        var missing: Int
        /// Of the payload; says which byte of the mask comes next.
        var readByteCount = 0
    }

    /// A text or binary message whose last frame has not been read to its end.
    private struct Open {
        var isText: Bool
        var payload = ByteBuffer()
        var check = UTF8Check()
    }

    private static let controlBytesMax = 125

    /// The longest message, all its frames together.
    private let messageBytesMax: Int
    private var frame: Frame?
    private var message: Open?
    /// Of a control frame, which may come between the frames of a message.
    private var control = ByteBuffer()

    init(messageBytesMax: Int) { self.messageBytesMax = messageBytesMax }

    /// - Throws: `WebSocketFault`; nothing may be read after it.
    mutating func decode(buffer: inout ByteBuffer) throws -> WebSocketMessage? { try next(from: &buffer) }

    /// What the client's end cuts off is dropped.
    mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> WebSocketMessage? {
        try next(from: &buffer)
    }

    private mutating func next(from buffer: inout ByteBuffer) throws(WebSocketFault) -> WebSocketMessage? {
        while true {
            if frame == nil {
                guard let header = try header(from: &buffer) else { return nil }
                frame = header
            }
            guard try readPayload(from: &buffer) else { return nil }
            if let whole = try endFrame() { return whole }
        }
    }

    // MARK: the header

    /// nil, with nothing taken, until the whole header is there; what is wrong with its beginning is said before that.
    private func header(from buffer: inout ByteBuffer) throws(WebSocketFault) -> Frame? {
        let start = buffer.readerIndex
        guard let first = buffer.getInteger(at: start, as: UInt8.self) else { return nil }
        let opcode = try opcode(first)
        let isFinal = first & 0x80 != 0
        if opcode.isControl && !isFinal { throw .broken("a control frame comes in one piece") }
        guard let second = buffer.getInteger(at: start + 1, as: UInt8.self) else { return nil }
        guard second & 0x80 != 0 else { throw .broken("a client's frames are masked") }
        if opcode.isControl && second & 0x7F > Self.controlBytesMax {
            throw .broken("a control frame has at most \(Self.controlBytesMax) bytes")
        }
        guard let (length, lengthByteCount) = try length(second & 0x7F, at: start + 2, in: buffer) else { return nil }
        if !opcode.isControl, length > UInt64(messageBytesMax - (message?.payload.readableBytes ?? 0)) {
            throw WebSocketFault(code: .messageTooBig, reason: "a message has at most \(messageBytesMax) bytes")
        }
        guard let mask = buffer.getBytes(at: start + 2 + lengthByteCount, length: 4) else { return nil }
        buffer.moveReaderIndex(forwardBy: 2 + lengthByteCount + 4)
        return Frame(opcode: opcode, isFinal: isFinal, mask: mask, missing: Int(length))
    }

    private func opcode(_ first: UInt8) throws(WebSocketFault) -> Opcode {
        guard first & 0x70 == 0 else { throw .broken("a reserved bit is set") }
        guard let opcode = Opcode(rawValue: first & 0x0F) else { throw .broken("the opcode is reserved") }
        switch opcode {
        case .continuation where message == nil: throw .broken("there is no message to go on with")
        case .text where message != nil, .binary where message != nil:
            throw .broken("the message before has no end")
        default: return opcode
        }
    }

    /// The length and how many bytes it takes beyond the first seven bits; nil when they are not there yet.
    private func length(
        _ short: UInt8, at index: Int, in buffer: ByteBuffer
    ) throws(WebSocketFault) -> (UInt64, byteCount: Int)? {
        let length: (UInt64, byteCount: Int)
        switch short {
        case 126:
            guard let value = buffer.getInteger(at: index, as: UInt16.self) else { return nil }
            guard value > 125 else { throw .broken("a length is written in its shortest form") }
            length = (UInt64(value), 2)
        case 127:
            guard let value = buffer.getInteger(at: index, as: UInt64.self) else { return nil }
            guard value > UInt64(UInt16.max) else { throw .broken("a length is written in its shortest form") }
            guard value <= UInt64(Int64.max) else { throw .broken("the highest bit of a length is 0") }
            length = (value, 8)
        default: length = (UInt64(short), 0)
        }
        return length
    }

    // MARK: the payload

    /// Takes what is there of the frame's payload.
    /// - Returns: whether that is all of it.
    private mutating func readPayload(from buffer: inout ByteBuffer) throws(WebSocketFault) -> Bool {
        guard var current = frame else { return false }
        if !current.opcode.isControl, message == nil { message = Open(isText: current.opcode == .text) }
        if var piece = buffer.readSlice(length: min(current.missing, buffer.readableBytes)), piece.readableBytes > 0 {
            Self.unmask(&piece, current.mask, from: current.readByteCount)
            current.readByteCount += piece.readableBytes
            current.missing -= piece.readableBytes
            frame = current
            if current.opcode.isControl { control.writeBuffer(&piece) } else { try append(&piece) }
        }
        return current.missing == 0
    }

    private mutating func append(_ piece: inout ByteBuffer) throws(WebSocketFault) {
        if message?.isText == true {
            let isText = piece.withUnsafeReadableBytes { message?.check.read($0) == true }
            guard isText else { throw .notText("a text is UTF-8") }
        }
        message?.payload.writeBuffer(&piece)
    }

    private static func unmask(_ piece: inout ByteBuffer, _ mask: [UInt8], from offset: Int) {
        let turned = (0..<8).map { mask[(offset + $0) % 4] }
        let word = turned.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        piece.withUnsafeMutableReadableBytes { bytes in
            let whole = bytes.count / 8 * 8
            for index in stride(from: 0, to: whole, by: 8) {
                let masked = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                bytes.storeBytes(of: masked ^ word, toByteOffset: index, as: UInt64.self)
            }
            for index in whole..<bytes.count { bytes[index] ^= turned[index - whole] }
        }
    }

    /// - Returns: what the frame completes; nil for a frame of a message that goes on.
    private mutating func endFrame() throws(WebSocketFault) -> WebSocketMessage? {
        guard let ended = frame else { return nil }
        frame = nil
        if ended.opcode.isControl {
            let payload = control
            control = ByteBuffer()
            switch ended.opcode {
            case .ping: return .ping(payload)
            case .close: return .close(code: try Self.closeCode(payload))
            default: return .pong
            }
        }
        guard ended.isFinal, let whole = message else { return nil }
        message = nil
        if whole.isText {
            guard whole.check.isWhole else { throw .notText("a text ends with a whole character") }
            return .text(whole.payload)
        }
        return .binary(whole.payload)
    }

    /// The code of a close frame (RFC 6455 §5.5.1, §7.4).
    private static func closeCode(_ payload: ByteBuffer) throws(WebSocketFault) -> UInt16? {
        var reason = payload
        if reason.readableBytes == 0 { return nil }
        guard let code = reason.readInteger(as: UInt16.self) else { throw .broken("a close code has two bytes") }
        // Registered codes but those that stand for the lack of a frame (1005, 1006, 1015), and the free ranges.
        guard (1000...1003).contains(code) || (1007...1014).contains(code) || (3000...4999).contains(code) else {
            throw .broken("\(code) is no code of a close frame")
        }
        var check = UTF8Check()
        let isText = reason.withUnsafeReadableBytes { check.read($0) } && check.isWhole
        guard isText else { throw .notText("a reason is UTF-8") }
        return code
    }
}
