/// What every value of a column can be read as; the first that fits all of them.
enum ColumnType: String, CaseIterable, Codable, Sendable {
    /// No value at all.
    case empty
    case boolean
    case integer
    case number
    case date
    case string

    /// The narrowest type of one text: `true`/`false` in any letter case, an `Int64` without leading zeros, a finite
    /// decimal number that a double keeps, a day of the Gregorian calendar as `YYYY-MM-DD`, else a string.
    ///
    /// `007` is a string on purpose: identifiers and postal codes would lose their zeros. So is a number with more
    /// digits than a double has: two different identifiers would become one number.
    init(of text: String) {
        let bytes = Array(text.utf8)
        if Self.isBoolean(bytes) {
            self = .boolean
        } else if Self.isDate(bytes) {
            self = .date
        } else {
            switch Self.numericShape(bytes) {
            case .integer where Int64(text) != nil: self = .integer
            case .integer, .number: self = DecimalText.survivesDouble(text) ? .number : .string
            default: self = .string
            }
        }
    }

    /// The type that holds values of both.
    func joined(with other: ColumnType) -> ColumnType {
        switch (self, other) {
        case (.empty, _): other
        case (_, .empty): self
        case (.integer, .number), (.number, .integer): .number
        default: self == other ? self : .string
        }
    }

    /// Reads a text of a column of this type.
    func value(of text: String) -> CellValue {
        switch self {
        case .boolean: .boolean(text.utf8.count == 4)
        case .integer: Int64(text).map(CellValue.integer) ?? .text(text)
        case .number: Double(text).map(CellValue.number) ?? .text(text)
        case .empty, .date, .string: .text(text)
        }
    }

    private static func isBoolean(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 4 || bytes.count == 5 else { return false }
        let lowered = bytes.map { $0 | 0x20 }
        return lowered.elementsEqual("true".utf8) || lowered.elementsEqual("false".utf8)
    }

    private enum Shape { case integer, number, other }

    /// `-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?`, the grammar of a JSON number.
    private static func numericShape(_ bytes: [UInt8]) -> Shape {
        var rest = bytes[...]
        func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
        func takeDigits() -> Int {
            let digits = rest.prefix(while: isDigit)
            rest = rest.dropFirst(digits.count)
            return digits.count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let leadingZero = rest.first == UInt8(ascii: "0")
        let whole = takeDigits()
        guard whole == 1 || (whole > 1 && !leadingZero) else { return .other }
        if rest.isEmpty { return .integer }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard takeDigits() > 0 else { return .other }
        }
        if let exponent = rest.first, exponent | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard takeDigits() > 0 else { return .other }
        }
        return rest.isEmpty ? .number : .other
    }

    private static func isDate(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return false }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for byte in bytes[range] {
                guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            (1...12).contains(month)
        else { return false }
        let isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
        return (1...days).contains(day)
    }
}
