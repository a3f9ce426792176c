/// Splits the source of an expression into tokens (cel-spec, langdef.md, "Syntax").
struct ExpressionLexer {
    enum Token: Equatable {
        case identifier(String)
        /// A name in backticks, allowed after a dot: `` headers.`content-type` ``.
        case quotedField(String)
        /// An integer without sign; its sign decides whether it fits.
        case integer(UInt64)
        case double(Double)
        case string(String)
        case symbol(String)
        case end
    }

    let bytes: [UInt8]
    /// Where the next byte to read stands.
    private(set) var offset: Int
    /// Where the token last read began.
    private(set) var tokenStart: Int

    init(bytes: [UInt8], from offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
        self.tokenStart = offset
    }

    private static let symbols: [[UInt8]] = [
        "==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "+", "-", "*", "/", "%",
        "!", "<", ">",
    ].map { Array($0.utf8) }

    mutating func next() throws(ExpressionError) -> Token {
        skipBlank()
        tokenStart = offset
        guard let byte = peek() else { return .end }
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: ".") where peek(1).map(Self.isDigit) == true: return try number()
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return .string(try string(isRaw: false))
        case UInt8(ascii: "`"): return try quotedField()
        case _ where Self.isNameStart(byte): return try word()
        default: break
        }
        for symbol in Self.symbols where bytes[offset...].starts(with: symbol) {
            offset += symbol.count
            return .symbol(String(decoding: symbol, as: UTF8.self))
        }
        if byte == UInt8(ascii: "$") {
            throw fault("unexpected '$': inside an expression names stand without ${{ }}")
        }
        if byte == UInt8(ascii: "=") { throw fault("unexpected '=': equality is written ==") }
        if byte == UInt8(ascii: "&") || byte == UInt8(ascii: "|") {
            let sign = Character(Unicode.Scalar(byte))
            throw fault("unexpected '\(sign)': the logical operators are && and ||")
        }
        let scalar = String(decoding: bytes[offset...].prefix(4), as: UTF8.self).unicodeScalars.first
        throw fault("unexpected character '\(scalar.map(String.init) ?? "?")'")
    }

    func peek(_ ahead: Int = 0) -> UInt8? { offset + ahead < bytes.count ? bytes[offset + ahead] : nil }

    mutating func advance(_ count: Int = 1) { offset += count }

    func fault(_ message: String, at place: Int? = nil, _ code: ExpressionError.Code = .syntax) -> ExpressionError {
        ExpressionError(code, message: message, offset: place ?? offset)
    }

    private mutating func skipBlank() {
        while let byte = peek() {
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0C, 0x0D: offset += 1
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"):
                while let other = peek(), other != 0x0A { _ = other; offset += 1 }
            default: return
            }
        }
    }

    /// A name, or the prefix of a string (`r"…"`).
    private mutating func word() throws(ExpressionError) -> Token {
        let start = offset
        while let byte = peek(), Self.isNameStart(byte) || Self.isDigit(byte) { offset += 1 }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if peek() == UInt8(ascii: "'") || peek() == UInt8(ascii: "\"") {
            switch text.lowercased() {
            case "r": return .string(try string(isRaw: true))
            case "b", "rb", "br": throw fault("bytes are not part of this subset", at: start, .unsupported)
            default: break
            }
        }
        return .identifier(text)
    }

    private mutating func quotedField() throws(ExpressionError) -> Token {
        let start = offset
        offset += 1
        while let byte = peek(), byte != UInt8(ascii: "`") {
            let isAllowed =
                Self.isNameStart(byte) || Self.isDigit(byte)
                || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "/"), 0x20].contains(byte)
            guard isAllowed else { throw fault("a name in backticks holds letters, digits, '_', '.', '-', '/', ' '") }
            offset += 1
        }
        guard peek() != nil else { throw fault("unterminated name in backticks", at: start) }
        let text = String(decoding: bytes[(start + 1)..<offset], as: UTF8.self)
        offset += 1
        guard !text.isEmpty else { throw fault("empty name in backticks", at: start) }
        return .quotedField(text)
    }

    private mutating func number() throws(ExpressionError) -> Token {
        let start = offset
        if peek() == UInt8(ascii: "0"), peek(1) == UInt8(ascii: "x") || peek(1) == UInt8(ascii: "X") {
            offset += 2
            let digits = offset
            while let byte = peek(), Character(Unicode.Scalar(byte)).isHexDigit { offset += 1 }
            let text = String(decoding: bytes[digits..<offset], as: UTF8.self)
            try endOfNumber(start)
            guard !text.isEmpty else { throw fault("expected hexadecimal digits after 0x", at: start) }
            guard let value = UInt64(text, radix: 16) else { throw fault("integer out of range", at: start) }
            return .integer(value)
        }
        skipDigits()
        var isInteger = true
        if peek() == UInt8(ascii: "."), peek(1).map(Self.isDigit) == true {
            isInteger = false
            offset += 1
            skipDigits()
        }
        if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
            let hasSign = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-")
            if peek(hasSign ? 2 : 1).map(Self.isDigit) == true {
                isInteger = false
                offset += hasSign ? 2 : 1
                skipDigits()
            }
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        try endOfNumber(start)
        if isInteger {
            guard let value = UInt64(text) else { throw fault("integer out of range", at: start) }
            return .integer(value)
        }
        // `Double` needs a digit before the point.
        guard let value = Double(text.hasPrefix(".") ? "0" + text : text), value.isFinite else {
            throw fault("number out of range", at: start)
        }
        return .double(value)
    }

    private mutating func endOfNumber(_ start: Int) throws(ExpressionError) {
        guard let byte = peek() else { return }
        if byte == UInt8(ascii: "u") || byte == UInt8(ascii: "U") {
            throw fault("unsigned integers are not part of this subset", at: start, .unsupported)
        }
        if Self.isNameStart(byte) { throw fault("unexpected character in a number") }
    }

    private mutating func skipDigits() {
        while let byte = peek(), Self.isDigit(byte) { offset += 1 }
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    static func isNameStart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
