/// The value of a decimal number's text, whatever way it is spelt: `1.50` and `15e-1` are equal.
struct DecimalText: Equatable {
    private var isNegative = false
    /// Without zeros at either end; empty for zero.
    private var digits: [UInt8] = []
    /// Of the last digit.
    private var exponent = 0

    /// - Parameter text: by the grammar of a JSON number. nil when its exponent is beyond counting.
    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        let hasMinus = rest.first == UInt8(ascii: "-")
        if hasMinus { rest = rest.dropFirst() }
        let mantissa = rest.prefix { $0 | 0x20 != UInt8(ascii: "e") }
        let written = String(decoding: rest.dropFirst(mantissa.count + 1), as: UTF8.self)
        let parts = mantissa.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        digits = parts.flatMap { $0 }
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            exponent += 1
        }
        digits = Array(digits.drop { $0 == UInt8(ascii: "0") })
        guard !digits.isEmpty else {
            exponent = 0
            return
        }
        isNegative = hasMinus
        exponent -= parts.count == 2 ? parts[1].count : 0
        guard written.isEmpty || Int(written) != nil else { return nil }
        let (sum, overflow) = exponent.addingReportingOverflow(Int(written) ?? 0)
        guard !overflow else { return nil }
        exponent = sum
    }

    /// Whether a double keeps the number, read and written again: `0.1` it does, `12345678901234567890` not.
    static func survivesDouble(_ text: String) -> Bool {
        guard let value = Double(text), value.isFinite, let given = DecimalText(text) else { return false }
        return given == DecimalText(value.description)
    }
}
