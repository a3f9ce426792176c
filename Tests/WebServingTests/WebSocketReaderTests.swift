import NIOCore
import Testing

@testable import WebServing

@Suite("reading what a client sends over a WebSocket")
struct WebSocketReaderTests {
    /// A frame as a client sends it, with the mask of RFC 6455 §5.7's example.
    static func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        var frame = [first]
        switch payload.count {
        case ..<126: frame.append(0x80 | UInt8(payload.count))
        case ...Int(UInt16.max): frame += [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default: frame += [0xFF] + (0..<8).reversed().map { UInt8(payload.count >> ($0 * 8) & 0xFF) }
        }
        return frame + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
    }

    /// What is read of the bytes, cut into pieces, and what is wrong with them.
    private func read(
        _ bytes: [UInt8], by pieceByteCount: Int = .max, bytesMax: Int = 1 << 20
    ) -> (messages: [WebSocketMessage], fault: WebSocketFault?) {
        var reader = WebSocketReader(messageBytesMax: bytesMax)
        var buffer = ByteBuffer()
        var messages: [WebSocketMessage] = []
        var rest = bytes[...]
        do {
            while !rest.isEmpty {
                buffer.writeBytes(rest.prefix(pieceByteCount))
                rest = rest.dropFirst(pieceByteCount)
                while let message = try reader.decode(buffer: &buffer) { messages.append(message) }
            }
        } catch {
            return (messages, error as? WebSocketFault)
        }
        return (messages, nil)
    }

    private func text(_ text: String) -> WebSocketMessage { .text(ByteBuffer(string: text)) }

    @Test("the frames of the RFC's examples are read as they are meant, wherever the bytes are cut")
    func examples() {
        let hello = Array("Hello".utf8)
        // RFC 6455 §5.7; then a control frame between fragments, an empty text, and the lengths of each form.
        let bytes =
            Self.frame(0x81, hello) + Self.frame(0x01, Array("Hel".utf8)) + Self.frame(0x89, hello)
            + Self.frame(0x80, Array("lo".utf8)) + Self.frame(0x8A, hello) + Self.frame(0x81, [])
            + Self.frame(0x82, Array(repeating: 0xFF, count: 126))
            + Self.frame(0x82, Array(repeating: 0xFE, count: 65_536)) + Self.frame(0x88, [0x03, 0xE8, 0x68, 0x69])
        let meant: [WebSocketMessage] = [
            text("Hello"), .ping(ByteBuffer(string: "Hello")), text("Hello"), .pong, text(""),
            .binary(ByteBuffer(repeating: 0xFF, count: 126)), .binary(ByteBuffer(repeating: 0xFE, count: 65_536)),
            .close(code: 1000),
        ]
        for pieceByteCount in [Int.max, 1, 2, 3, 7, 1_000] {
            let (messages, fault) = read(bytes, by: pieceByteCount)
            #expect(messages == meant && fault == nil, "in pieces of \(pieceByteCount)")
        }
    }

    static let broken: [(String, [UInt8], StreamCloseCode)] = [
        ("reserved bit 1", frame(0xC1, []), .protocolError), ("reserved bit 2", frame(0xA1, []), .protocolError),
        ("reserved bit 3", frame(0x91, []), .protocolError), ("reserved bit of a ping", frame(0xC9, []), .protocolError),
        ("opcode 3", frame(0x83, []), .protocolError), ("opcode 7", frame(0x87, []), .protocolError),
        ("opcode 11", frame(0x8B, []), .protocolError), ("opcode 15", frame(0x8F, []), .protocolError),
        ("unmasked", [0x81, 0x02, 0x68, 0x69], .protocolError),
        ("nothing to go on with", frame(0x80, [0x61]), .protocolError),
        ("nothing to go on with, in part", frame(0x00, [0x61]), .protocolError),
        ("nothing to go on with, any more", frame(0x81, [0x61]) + frame(0x80, [0x61]), .protocolError),
        ("a message within another", frame(0x01, [0x61]) + frame(0x81, [0x62]), .protocolError),
        ("a binary message within a text", frame(0x01, [0x61]) + frame(0x82, [0x62]), .protocolError),
        ("a ping in parts", frame(0x09, []), .protocolError), ("a close in parts", frame(0x08, []), .protocolError),
        ("a long ping", frame(0x89, Array(repeating: 0, count: 126)), .protocolError),
        ("a long close", frame(0x88, [0x03, 0xE8] + Array(repeating: 0x61, count: 124)), .protocolError),
        ("125 in the form of 16 bits", [0x81, 0xFE, 0x00, 0x7D], .protocolError),
        ("65535 in the form of 64 bits", [0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], .protocolError),
        ("a length with its highest bit", [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], .protocolError),
        ("a close of one byte", frame(0x88, [0x03]), .protocolError),
        ("a reason that is no UTF-8", frame(0x88, [0x03, 0xE8, 0xCE, 0xBA, 0xE1]), .invalidPayload),
        ("a reason that ends within a character", frame(0x88, [0x03, 0xE8, 0xC3]), .invalidPayload),
        ("a text that is no UTF-8", frame(0x81, [0xFF]), .invalidPayload),
        ("a text that ends within a character", frame(0x81, [0xC3]), .invalidPayload),
        ("a surrogate", frame(0x81, [0xED, 0xA0, 0x80]), .invalidPayload),
        ("an overlong slash", frame(0x81, [0xC0, 0xAF]), .invalidPayload),
        ("an overlong slash of three bytes", frame(0x81, [0xE0, 0x80, 0xAF]), .invalidPayload),
        ("an overlong slash of four bytes", frame(0x81, [0xF0, 0x80, 0x80, 0xAF]), .invalidPayload),
        ("beyond U+10FFFF", frame(0x81, [0xF4, 0x90, 0x80, 0x80]), .invalidPayload),
        ("a lead byte of five", frame(0x81, [0xF8, 0x88, 0x80, 0x80, 0x80]), .invalidPayload),
        ("no UTF-8 across fragments", frame(0x01, [0xCE]) + frame(0x80, [0x61]), .invalidPayload),
        ("the end within a character, across fragments", frame(0x01, [0x61]) + frame(0x80, [0xCE]), .invalidPayload),
        ("too long", frame(0x82, Array(repeating: 0, count: 5_000)), .messageTooBig),
        ("too long together", frame(0x02, Array(repeating: 0, count: 4_000)) + frame(0x80, Array(repeating: 0, count: 97)),
            .messageTooBig),
        ("far too long", [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], .messageTooBig),
    ] + [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map { code in
        ("close code \(code)", frame(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)]), .protocolError)
    }

    @Test("what breaks the protocol is said, wherever the bytes are cut", arguments: broken)
    func faults(name: String, bytes: [UInt8], code: StreamCloseCode) {
        for pieceByteCount in [Int.max, 1, 5] {
            #expect(read(bytes, by: pieceByteCount, bytesMax: 4_096).fault?.code == code, "\(name)")
        }
    }

    @Test("codes that may stand in a close frame are read", arguments: [
        1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999,
    ] as [UInt16])
    func closeCodes(code: UInt16) {
        let bytes = Self.frame(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)])
        #expect(read(bytes).messages == [.close(code: code)])
    }

    @Test("a text that is no UTF-8 is refused at the byte that cannot be, with more to come")
    func early() {
        let beginning = Array(Self.frame(0x01, [0x61, 0xFF] + Array(repeating: 0x61, count: 100)).prefix(8))
        #expect(read(beginning).fault?.code == .invalidPayload)
    }

    @Test("characters are checked as Swift's own decoder has it")
    func characters() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let bytes = (0..<5).map { _ in [0x61, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED,
                0xEE, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF].randomElement(using: &generator) ?? 0x61 as UInt8 }
            var check = UTF8Check()
            let cut = Int.random(in: 0...5, using: &generator)
            let isText = [bytes[..<cut], bytes[cut...]].allSatisfy { $0.withUnsafeBytes { check.read($0) } }
                && check.isWhole
            #expect(isText == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }
}
