/// Writes JSON without white space, `/` and non-ASCII unescaped, straight into a byte buffer.
///
/// The one place that knows how a string or a number is spelt: event bytes, step inputs and HTTP answers share it.
/// Doubles are the shortest text that reads back as the same value; an integral double has no fraction.
package struct JSONWriter {
    package private(set) var bytes: [UInt8] = []

    package init(reserving byteCount: Int = 256) { bytes.reserveCapacity(byteCount) }

    /// Appends text that is already JSON, such as punctuation and known keys.
    package mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    package mutating func raw(_ encoded: [UInt8]) { bytes.append(contentsOf: encoded) }

    package mutating func int(_ value: some BinaryInteger) {
        if value >= 0 && value < 10 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value))
        } else {
            bytes.append(contentsOf: String(value).utf8)
        }
    }

    package mutating func bool(_ value: Bool) { if value { raw("true") } else { raw("false") } }

    /// Appends a double; not-a-number and infinities have no JSON spelling and become `null`.
    package mutating func double(_ value: Double) {
        guard value.isFinite else { return raw("null") }
        if let integral = Int64(exactly: value), abs(integral) < 1 << 53 { return int(integral) }
        bytes.append(contentsOf: value.description.utf8)
    }

    /// Appends a double rounded to at most three decimals, as the event contract has durations in milliseconds.
    package mutating func milliseconds(_ value: Double) { double((value * 1000).rounded() / 1000) }

    /// Appends a quoted string; escapes quote, backslash and control characters only (RFC 8259 §7).
    package mutating func string(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""): raw("\\\"")
            case UInt8(ascii: "\\"): raw("\\\\")
            case 0x0A: raw("\\n")
            case 0x0D: raw("\\r")
            case 0x09: raw("\\t")
            case 0x08: raw("\\b")
            case 0x0C: raw("\\f")
            case 0..<0x20:
                raw("\\u00")
                bytes.append(Self.hexDigit(byte >> 4))
                bytes.append(Self.hexDigit(byte & 15))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    package mutating func optionalString(_ value: String?) {
        if let value { string(value) } else { raw("null") }
    }

    package mutating func value(_ value: JSONValue) {
        switch value {
        case .null: raw("null")
        case .bool(let value): bool(value)
        case .int(let value): int(value)
        case .double(let value): double(value)
        case .string(let value): string(value)
        case .array(let elements):
            raw("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { raw(",") }
                self.value(element)
            }
            raw("]")
        case .object(let members):
            raw("{")
            for (index, member) in members.enumerated() {
                if index > 0 { raw(",") }
                string(member.key)
                raw(":")
                self.value(member.value)
            }
            raw("}")
        }
    }

    static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

extension JSONValue {
    /// The value as compact UTF-8 JSON.
    package var encoded: [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }

    /// The value as compact JSON text.
    package var encodedText: String { String(decoding: encoded, as: UTF8.self) }
}
