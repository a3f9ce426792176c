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

    mutating func raw(_ encoded: UnsafeBufferPointer<UInt8>) { unsafe bytes.append(contentsOf: encoded) }

    /// Appends one ASCII byte that is already JSON.
    package mutating func raw(_ byte: UInt8) { bytes.append(byte) }

    package mutating func int(_ value: some FixedWidthInteger) {
        if value >= 0 && value < 10 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value))
        } else if let narrow = Int64(exactly: value), narrow != .min {
            if narrow < 0 { bytes.append(UInt8(ascii: "-")) }
            digits(narrow.magnitude)
        } else {
            bytes.append(contentsOf: String(value).utf8)
        }
    }

    package mutating func bool(_ value: Bool) { if value { raw("true") } else { raw("false") } }

    /// Appends a double; not-a-number and infinities have no JSON spelling and become `null`.
    package mutating func double(_ value: Double) {
        guard value.isFinite else { return raw("null") }
        if value.magnitude < Self.exactIntegerMax, let integral = Int64(exactly: value) { return int(integral) }
        bytes.append(contentsOf: value.description.utf8)
    }

    /// Appends a double rounded to at most three decimals, as the event contract has durations in milliseconds.
    package mutating func milliseconds(_ value: Double) {
        let thousandths = (value * 1000).rounded()
        // Decimals of a scaled integer are what the shortest spelling of the double would be, without asking for it.
        guard thousandths.magnitude < Self.exactIntegerMax, let scaled = Int64(exactly: thousandths) else {
            return double(value)
        }
        if scaled < 0 { bytes.append(UInt8(ascii: "-")) }
        let (whole, decimals) = scaled.magnitude.quotientAndRemainder(dividingBy: 1000)
        digits(whole)
        guard decimals != 0 else { return }
        bytes.append(UInt8(ascii: "."))
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: decimals / 100))
        twoDigits(UInt32(decimals % 100))
        while bytes.last == UInt8(ascii: "0") { bytes.removeLast() }
    }

    /// Up to here every integral double is the only one of its value (2⁵³, IEEE 754 binary64).
    private static let exactIntegerMax = 9_007_199_254_740_992.0

    private mutating func digits(_ value: UInt64) {
        var divisor: UInt64 = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }

    /// Appends two decimal digits of a number from 0 to 99.
    mutating func twoDigits(_ value: UInt32) {
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / 10))
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10))
    }

    /// Appends a quoted string; escapes quote, backslash and control characters only (RFC 8259 §7).
    package mutating func string(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = value
        text.withUTF8 { unsafe escaped($0) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends runs without escapes in one piece each.
    private mutating func escaped(_ text: UnsafeBufferPointer<UInt8>) {
        var runStart = 0
        var position = 0
        while position < text.count {
            let byte = unsafe text[position]
            if byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") {
                position += 1
                continue
            }
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[runStart..<position]))
            escape(byte)
            position += 1
            runStart = position
        }
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[runStart..<position]))
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): raw("\\\"")
        case UInt8(ascii: "\\"): raw("\\\\")
        case 0x0A: raw("\\n")
        case 0x0D: raw("\\r")
        case 0x09: raw("\\t")
        case 0x08: raw("\\b")
        case 0x0C: raw("\\f")
        default:
            raw("\\u00")
            bytes.append(Self.hexDigit(byte >> 4))
            bytes.append(Self.hexDigit(byte & 15))
        }
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
            raw(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { raw(UInt8(ascii: ",")) }
                self.value(element)
            }
            raw(UInt8(ascii: "]"))
        case .object(let members):
            raw(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { raw(UInt8(ascii: ",")) }
                string(member.key)
                raw(UInt8(ascii: ":"))
                self.value(member.value)
            }
            raw(UInt8(ascii: "}"))
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
