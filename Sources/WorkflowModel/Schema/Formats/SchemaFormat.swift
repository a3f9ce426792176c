/// The values of `format` that are asserted; any other is an annotation.
enum SchemaFormat: String, Sendable {
    case dateTime = "date-time"
    case uri, email, uuid

    func accepts(_ text: String) -> Bool {
        // Every one of them is ASCII; a scanner over bytes can then be plain.
        let bytes = Array(text.utf8)
        guard bytes.allSatisfy({ $0 < 0x80 }) else { return false }
        var scanner = ASCIIScanner(bytes[...])
        return switch self {
        case .dateTime: scanner.dateTime()
        case .uri: scanner.uri()
        case .email: scanner.email()
        case .uuid: scanner.uuid()
        }
    }
}

/// A position in ASCII text; the grammars of the formats are extensions of it.
struct ASCIIScanner {
    var rest: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) { rest = text }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard let first = rest.first, UInt32(first) == sign.value else { return false }
        rest.removeFirst()
        return true
    }

    mutating func take(where accepts: (UInt8) -> Bool) -> UInt8? {
        guard let first = rest.first, accepts(first) else { return nil }
        rest.removeFirst()
        return first
    }

    /// Takes what `accepts` accepts; the number of bytes taken.
    mutating func skip(while accepts: (UInt8) -> Bool) -> Int {
        let start = rest.startIndex
        rest = rest.drop(while: accepts)
        return rest.startIndex - start
    }

    /// Exactly `digits` decimal digits.
    mutating func number(digits: Int) -> Int? {
        var value = 0
        for _ in 0..<digits {
            guard let digit = take(where: Self.isDigit) else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return value
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
    static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }
    static func isOne(of signs: StaticString, _ byte: UInt8) -> Bool {
        signs.withUTF8Buffer { unsafe $0.contains(byte) }
    }
}
