/// A number by its decimal digits, `significand · 10^exponent`, as JSON spells it.
///
/// `multipleOf` asks about the written numbers: 0.0075 is a multiple of 0.0001, although their doubles are not.
struct Decimal: Hashable, Sendable {
    let significand: UInt64
    let exponent: Int

    /// Nil for what is no finite number; the sign is dropped, it means nothing for divisibility.
    init?(_ value: JSONValue) {
        switch value {
        case .int(let value): self.init(significand: value.magnitude, exponent: 0)
        case .double(let value):
            guard value.isFinite else { return nil }
            self.init(value.magnitude)
        default: return nil
        }
    }

    private init(significand: UInt64, exponent: Int) {
        self.significand = significand
        self.exponent = exponent
    }

    /// The shortest decimal that reads back as `value`: at most 17 digits.
    private init(_ value: Double) {
        var significand: UInt64 = 0
        var exponent = 0
        var isFraction = false
        let text = value.description
        let mark = text.utf8.firstIndex(of: UInt8(ascii: "e")) ?? text.utf8.endIndex
        for byte in text.utf8[..<mark] {
            if byte == UInt8(ascii: ".") {
                isFraction = true
            } else {
                significand = significand * 10 + UInt64(byte - UInt8(ascii: "0"))
                if isFraction { exponent -= 1 }
            }
        }
        exponent += Int(text[mark...].dropFirst()) ?? 0
        self.init(significand: significand, exponent: exponent)
    }

    var isZero: Bool { significand == 0 }

    func isMultiple(of divisor: Decimal) -> Bool {
        guard !divisor.isZero else { return false }
        if isZero { return true }
        if exponent >= divisor.exponent {
            let modulus = divisor.significand
            var rest = significand % modulus
            for _ in divisor.exponent..<exponent where rest != 0 {
                rest = modulus.dividingFullWidth(rest.multipliedFullWidth(by: 10)).remainder
            }
            return rest == 0
        }
        var scaled = divisor.significand
        for _ in exponent..<divisor.exponent {
            let (product, overflow) = scaled.multipliedReportingOverflow(by: 10)
            // A divisor larger than the value divides only zero.
            if overflow { return false }
            scaled = product
        }
        return significand % scaled == 0
    }
}

extension JSONValue {
    /// −1, 0 or 1 as `left` is below, equal to or above `right`, exactly; nil unless both are numbers.
    static func numericOrder(_ left: JSONValue, _ right: JSONValue) -> Int? {
        switch (left, right) {
        case (.int(let a), .int(let b)): a < b ? -1 : a == b ? 0 : 1
        case (.double(let a), .double(let b)): a < b ? -1 : a == b ? 0 : 1
        case (.int(let a), .double(let b)): order(a, b)
        case (.double(let a), .int(let b)): -order(b, a)
        default: nil
        }
    }

    private static func order(_ integer: Int64, _ double: Double) -> Int {
        // 2⁶³ has a double of its own; below it every truncated double fits Int64.
        if double >= 0x1p63 { return -1 }
        if double < -0x1p63 { return 1 }
        let truncated = double.rounded(.towardZero)
        let whole = Int64(truncated)
        if integer != whole { return integer < whole ? -1 : 1 }
        return double == truncated ? 0 : double > truncated ? -1 : 1
    }
}
