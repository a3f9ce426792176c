extension ExpressionLexer {
    /// Reads a string literal from its opening quote on: single or triple quotes, with or without escapes.
    mutating func string(isRaw: Bool) throws(ExpressionError) -> String {
        let start = tokenStart
        guard let quote = peek() else { throw fault("expected a string") }
        let isTriple = peek(1) == quote && peek(2) == quote
        advance(isTriple ? 3 : 1)
        var buffer: [UInt8] = []
        while let byte = peek() {
            if byte == quote, !isTriple || (peek(1) == quote && peek(2) == quote) {
                advance(isTriple ? 3 : 1)
                guard let text = String(validating: buffer, as: UTF8.self) else {
                    throw fault("string is not valid UTF-8", at: start)
                }
                return text
            }
            if !isTriple, byte == 0x0A || byte == 0x0D {
                throw fault("a line break in a string needs triple quotes or \\n", at: start)
            }
            advance()
            if byte == UInt8(ascii: "\\"), !isRaw {
                buffer.append(contentsOf: String(Character(try escape())).utf8)
            } else {
                buffer.append(byte)
            }
        }
        throw fault("unterminated string", at: start)
    }

    /// Reads what follows a backslash.
    private mutating func escape() throws(ExpressionError) -> Unicode.Scalar {
        let start = offset - 1
        guard let byte = peek() else { throw fault("unterminated string", at: start) }
        advance()
        switch byte {
        case UInt8(ascii: "a"): return "\u{07}"
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "v"): return "\u{0B}"
        case UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"):
            return Unicode.Scalar(byte)
        case UInt8(ascii: "x"), UInt8(ascii: "X"): return try codePoint(digits: 2, radix: 16, start)
        case UInt8(ascii: "u"): return try codePoint(digits: 4, radix: 16, start)
        case UInt8(ascii: "U"): return try codePoint(digits: 8, radix: 16, start)
        case UInt8(ascii: "0")...UInt8(ascii: "3"):
            advance(-1)
            return try codePoint(digits: 3, radix: 8, start)
        default:
            throw fault("unknown escape in a string; a backslash itself is written \\\\", at: start)
        }
    }

    private mutating func codePoint(
        digits: Int, radix: UInt32, _ start: Int
    ) throws(ExpressionError) -> Unicode.Scalar {
        var code: UInt32 = 0
        for _ in 0..<digits {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue, digit < radix,
                byte < 0x80
            else { throw fault("expected \(digits) digits in an escape", at: start) }
            code = code << (radix == 8 ? 3 : 4) | UInt32(digit)
            advance()
        }
        guard let scalar = Unicode.Scalar(code) else { throw fault("escape of no Unicode character", at: start) }
        return scalar
    }
}
