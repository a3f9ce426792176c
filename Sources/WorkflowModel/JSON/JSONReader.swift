/// Why a text is not acceptable JSON, and where.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    package var message: String
    /// From 1.
    package var line: Int
    /// From 1, in bytes.
    package var column: Int
    /// What the fault stands in, as a JSON Pointer; empty for the whole text.
    package var path = ""

    package var description: String {
        "\(path.isEmpty ? "" : "\(path): ")\(message) at line \(line), column \(column)"
    }

    fileprivate func inside(_ token: String) -> JSONError {
        var error = self
        error.path = "/" + token.replacing("~", with: "~0").replacing("/", with: "~1") + path
        return error
    }
}

/// What a JSON text may be at most.
package struct JSONLimits: Sendable {
    /// Nesting of one value: of inputs, outputs, forms and checkpoints as they are read, and of what a template makes.
    package static let valueDepthMax = 64
    /// For what Stepstream wrote itself: records, events, answers. They wrap values of `valueDepthMax` in a few levels
    /// of their own; the rest is for journals of releases that did not bound what a template makes.
    package static let written = JSONLimits(depthMax: 512, bytesMax: 64 << 20, duplicateKeysRefused: false)

    /// Nesting of arrays and objects.
    package var depthMax: Int
    package var bytesMax: Int
    /// Whether a repeated member name is an error; RFC 8259 leaves it open, our own inputs refuse it.
    package var duplicateKeysRefused: Bool
    /// Whether an integer beyond 64 bits is an error. As a double it would be another number, without a word; in a
    /// schema that only bounds values, the nearest double does.
    package var wideIntegersRefused: Bool

    package init(
        depthMax: Int = Self.valueDepthMax, bytesMax: Int = 4 << 20, duplicateKeysRefused: Bool = true,
        wideIntegersRefused: Bool = true
    ) {
        self.depthMax = depthMax
        self.bytesMax = bytesMax
        self.duplicateKeysRefused = duplicateKeysRefused
        self.wideIntegersRefused = wideIntegersRefused
    }
}

extension JSONValue {
    /// Reads one JSON text (RFC 8259): UTF-8 checked, lone surrogates, duplicate names, over-deep nesting and integers
    /// beyond 64 bits refused; a byte-order mark is skipped.
    /// - Throws: `JSONError` with line and column of the first fault.
    package init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        var reader = JSONReader(bytes: bytes, limits: limits)
        self = try reader.document()
    }

    package init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }
}

/// A strict recursive-descent reader of JSON over a byte array.
struct JSONReader {
    let bytes: [UInt8]
    let limits: JSONLimits
    private(set) var offset = 0
    private var depth = 0

    init(bytes: [UInt8], limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func document() throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.bytesMax else {
            throw JSONError(
                message: "JSON of \(bytes.count) bytes exceeds the limit of \(limits.bytesMax)", line: 1, column: 1)
        }
        offset = ByteOrderMark.length(in: bytes)
        let value = try self.value()
        skipWhitespace()
        guard offset == bytes.count else { throw fault("unexpected text after the JSON value") }
        return value
    }

    private func peek() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipWhitespace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        skipWhitespace()
        guard let byte = peek() else { throw fault("unexpected end of JSON") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw fault("unexpected character")
        }
    }

    private mutating func descend() throws(JSONError) {
        depth += 1
        guard depth <= limits.depthMax else { throw fault("JSON nested deeper than \(limits.depthMax)") }
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        try descend()
        defer { depth -= 1 }
        offset += 1
        var members = JSONObject()
        skipWhitespace()
        if peek() == UInt8(ascii: "}") { offset += 1; return .object(members) }
        while true {
            skipWhitespace()
            guard peek() == UInt8(ascii: "\"") else { throw fault("expected a member name in quotes") }
            let start = offset
            let key = try string()
            let isNew = !members.contains(key)
            if !isNew && limits.duplicateKeysRefused {
                offset = start
                throw fault("duplicate member name \"\(key)\"")
            }
            skipWhitespace()
            guard peek() == UInt8(ascii: ":") else { throw fault("expected ':' after a member name") }
            offset += 1
            let member: JSONValue
            do throws(JSONError) { member = try value() } catch { throw error.inside(key) }
            if isNew { members.append(key, member) } else { members[key] = member }
            skipWhitespace()
            switch peek() {
            case UInt8(ascii: ","): offset += 1
            case UInt8(ascii: "}"): offset += 1; return .object(members)
            default: throw fault("expected ',' or '}' in an object")
            }
        }
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try descend()
        defer { depth -= 1 }
        offset += 1
        var elements: [JSONValue] = []
        skipWhitespace()
        if peek() == UInt8(ascii: "]") { offset += 1; return .array(elements) }
        while true {
            do throws(JSONError) { elements.append(try value()) } catch { throw error.inside("\(elements.count)") }
            skipWhitespace()
            switch peek() {
            case UInt8(ascii: ","): offset += 1
            case UInt8(ascii: "]"): offset += 1; return .array(elements)
            default: throw fault("expected ',' or ']' in an array")
            }
        }
    }

    private mutating func literal(_ text: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for expected in text.utf8 {
            guard peek() == expected else { throw fault("unexpected character") }
            offset += 1
        }
        return value
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = offset
        if peek() == UInt8(ascii: "-") { offset += 1 }
        guard let first = peek(), Self.isDigit(first) else { throw fault("expected a digit") }
        offset += 1
        if first != UInt8(ascii: "0") { skipDigits() } else if let next = peek(), Self.isDigit(next) {
            throw fault("a number may not begin with 0")
        }
        var isInteger = true
        if peek() == UInt8(ascii: ".") {
            isInteger = false
            offset += 1
            guard let digit = peek(), Self.isDigit(digit) else { throw fault("expected a digit after '.'") }
            skipDigits()
        }
        if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
            isInteger = false
            offset += 1
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { offset += 1 }
            guard let digit = peek(), Self.isDigit(digit) else { throw fault("expected a digit in the exponent") }
            skipDigits()
        }
        if isInteger {
            if let exact = integer(bytes[start..<offset]) { return .int(exact) }
            if limits.wideIntegersRefused {
                offset = start
                throw fault("an integer beyond 64 bits would lose digits; write it as a string or with an exponent")
            }
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            offset = start
            throw fault("number out of range")
        }
        return .double(value)
    }

    /// The value of an optional minus sign and digits; nil when it does not fit.
    private func integer(_ text: ArraySlice<UInt8>) -> Int64? {
        let isNegative = text.first == UInt8(ascii: "-")
        var value: Int64 = 0
        // Built on the negative side, which is one larger.
        for byte in isNegative ? text.dropFirst() : text {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowAfter) = product.subtractingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
            guard !overflow, !overflowAfter else { return nil }
            value = sum
        }
        guard !isNegative else { return value }
        return value == .min ? nil : -value
    }

    private mutating func skipDigits() {
        while let byte = peek(), Self.isDigit(byte) { offset += 1 }
    }

    private mutating func string() throws(JSONError) -> String {
        offset += 1
        let start = offset
        // The common case, a string without escapes, is one copy.
        var end = start
        while end < bytes.count, bytes[end] >= 0x20, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\")
        {
            end += 1
        }
        offset = end
        if end < bytes.count, bytes[end] == UInt8(ascii: "\"") {
            let text = try utf8(bytes[start..<end])
            offset += 1
            return text
        }
        var buffer = Array(bytes[start..<offset])
        while offset < bytes.count {
            let byte = bytes[offset]
            switch byte {
            case UInt8(ascii: "\""):
                let text = try utf8(buffer[...])
                offset += 1
                return text
            case UInt8(ascii: "\\"):
                offset += 1
                try escape(into: &buffer)
            case 0..<0x20: throw fault("control character in a string")
            default:
                buffer.append(byte)
                offset += 1
            }
        }
        throw fault("unterminated string")
    }

    private func utf8(_ slice: ArraySlice<UInt8>) throws(JSONError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else { throw fault("string is not valid UTF-8") }
        return text
    }

    private mutating func escape(into buffer: inout [UInt8]) throws(JSONError) {
        guard let byte = peek() else { throw fault("unterminated string") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(byte)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0C)
        case UInt8(ascii: "n"): buffer.append(0x0A)
        case UInt8(ascii: "r"): buffer.append(0x0D)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hex4()
            if (0xDC00..<0xE000).contains(code) { throw fault("lone low surrogate") }
            if (0xD800..<0xDC00).contains(code) {
                guard peek() == UInt8(ascii: "\\"), offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "u")
                else { throw fault("lone high surrogate") }
                offset += 2
                let low = try hex4()
                guard (0xDC00..<0xE000).contains(low) else { throw fault("lone high surrogate") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw fault("invalid escape") }
            buffer.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default: throw fault("invalid escape")
        }
    }

    private mutating func hex4() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch peek() {
            case .some(let byte) where Self.isDigit(byte): digit = byte - UInt8(ascii: "0")
            case .some(let byte) where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20):
                digit = (byte | 0x20) - UInt8(ascii: "a") + 10
            default: throw fault("expected four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        return code
    }

    private func fault(_ message: String) -> JSONError {
        var line = 1
        var column = 1
        for byte in bytes.prefix(offset) {
            if byte == 0x0A { line += 1; column = 1 } else { column += 1 }
        }
        return JSONError(message: message, line: line, column: column)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
