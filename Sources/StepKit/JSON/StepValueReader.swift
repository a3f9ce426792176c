/// Reads JSON text into a ``StepValue`` in one pass.
struct StepValueReader {
    static let depthMax = 512

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    /// - Parameter bytes: borrowed while the reader is used.
    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func readDocument() throws -> StepValue {
        // A byte-order mark is no part of the text.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        let value = try readValue(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw fault("text after the end of the JSON value") }
        return value
    }

    private func fault(_ problem: String) -> StepFailure {
        StepFailure(.final, code: "invalid_input", message: "byte \(position): \(problem)")
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ wanted: UInt8) -> Bool {
        skipSpace()
        guard current == wanted else { return false }
        position += 1
        return true
    }

    private mutating func readValue(depth: Int) throws -> StepValue {
        guard depth <= Self.depthMax else { throw fault("nested deeper than \(Self.depthMax)") }
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return try readObject(depth: depth)
        case UInt8(ascii: "["): return try readArray(depth: depth)
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "t"): return try readWord("true", .bool(true))
        case UInt8(ascii: "f"): return try readWord("false", .bool(false))
        case UInt8(ascii: "n"): return try readWord("null", .null)
        case .some: return try readNumber()
        case nil: throw fault("the JSON text ends too early")
        }
    }

    private mutating func readWord(_ word: StaticString, _ value: StepValue) throws -> StepValue {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count,
            (0..<word.utf8CodeUnitCount).allSatisfy({ bytes[position + $0] == word.utf8Start[$0] })
        else { throw fault("not a JSON value") }
        position = end
        return value
    }

    private mutating func readArray(depth: Int) throws -> StepValue {
        position += 1
        var elements: [StepValue] = []
        if take(UInt8(ascii: "]")) { return .array(elements) }
        repeat { elements.append(try readValue(depth: depth + 1)) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw fault("expected , or ] in an array") }
        return .array(elements)
    }

    private mutating func readObject(depth: Int) throws -> StepValue {
        position += 1
        var members = StepObject()
        if take(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw fault("expected a key in an object") }
            let key = try readString()
            guard take(UInt8(ascii: ":")) else { throw fault("expected : after a key") }
            members[key] = try readValue(depth: depth + 1)
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw fault("expected , or } in an object") }
        return .object(members)
    }

    private mutating func readString() throws -> String {
        position += 1
        let start = position
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
        var text: [UInt8]? = nil
        if current == UInt8(ascii: "\\") {
            var decoded = Array(bytes[start..<position])
            try readEscaped(into: &decoded)
            text = decoded
        }
        guard current == UInt8(ascii: "\"") else {
            throw fault("a string without its end, or a control character in it")
        }
        let string = text.map { String(validating: $0, as: UTF8.self) }
            ?? String(validating: bytes[start..<position], as: UTF8.self)
        guard let string else { throw fault("a string that is not UTF-8") }
        position += 1
        return string
    }

    /// The rest of a string from its first escape on.
    private mutating func readEscaped(into text: inout [UInt8]) throws {
        while let byte = current, byte != UInt8(ascii: "\""), byte >= 0x20 {
            position += 1
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            guard let escape = current else { throw fault("the JSON text ends too early") }
            position += 1
            switch escape {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"): text.append(contentsOf: Character(try readScalar()).utf8)
            default: throw fault("an unknown escape in a string")
            }
        }
    }

    private mutating func readScalar() throws -> Unicode.Scalar {
        let first = try readHexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { throw fault("a lone surrogate in a string") }
        position += 2
        let second = try readHexadecimal()
        guard 0xDC00...0xDFFF ~= second,
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw fault("a lone surrogate in a string") }
        return scalar
    }

    private mutating func readHexadecimal() throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw fault("an escape without four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func readDigits() throws {
        guard let byte = current, 0x30...0x39 ~= byte else { throw fault("not a JSON value") }
        while let byte = current, 0x30...0x39 ~= byte { position += 1 }
    }

    private mutating func readNumber() throws -> StepValue {
        let start = position
        var isWhole = true
        if current == UInt8(ascii: "-") { position += 1 }
        let first = current
        let integerStart = position
        try readDigits()
        guard first != UInt8(ascii: "0") || position == integerStart + 1 else {
            throw fault("a number with a leading zero")
        }
        if current == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            try readDigits()
        }
        if let byte = current, byte | 32 == UInt8(ascii: "e") {
            isWhole = false
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try readDigits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole {
            if let value = Int64(text) { return .integer(value) }
            position = start
            throw fault("an integer beyond 64 bits would lose digits; it is a string, or has an exponent")
        }
        guard let value = Double(text), value.isFinite else { throw fault("a number beyond what a double holds") }
        return .number(value)
    }
}
