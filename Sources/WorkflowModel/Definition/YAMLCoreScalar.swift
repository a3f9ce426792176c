/// What a plain scalar means by the core schema (YAML 1.2.2 §10.3.2): `yes` and `no` are texts there.
enum YAMLCoreScalar {
    case value(JSONValue)
    /// `.inf`, `.nan`, integers beyond 64 bits and numbers beyond a double: they cannot be kept as they are.
    case notANumber

    init(_ text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .value(.null)
        case "true", "True", "TRUE": self = .value(true)
        case "false", "False", "FALSE": self = .value(false)
        default: self = Self.number(text) ?? .value(.string(text))
        }
    }

    private static func number(_ text: String) -> YAMLCoreScalar? {
        let bytes = Array(text.utf8)
        let signCount = bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") ? 1 : 0
        let unsigned = bytes[signCount...]
        guard let first = unsigned.first, isDigit(first) || first == UInt8(ascii: ".") else { return nil }
        if [".inf", ".Inf", ".INF"].contains(String(decoding: unsigned, as: UTF8.self)) { return .notANumber }
        if [".nan", ".NaN", ".NAN"].contains(text) { return .notANumber }
        if signCount == 0, first == UInt8(ascii: "0"), bytes.count > 2 {
            let radix: Int? = bytes[1] == UInt8(ascii: "x") ? 16 : bytes[1] == UInt8(ascii: "o") ? 8 : nil
            if let radix {
                let digits = String(decoding: bytes[2...], as: UTF8.self)
                guard digits.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
                return Int64(digits, radix: radix).map { .value(.int($0)) } ?? (radix == 16 ? .notANumber : nil)
            }
        }
        var place = unsigned.startIndex
        var digits = 0
        func skipDigits() { while place < unsigned.endIndex, isDigit(unsigned[place]) { place += 1; digits += 1 } }
        skipDigits()
        var isInteger = true
        if place < unsigned.endIndex, unsigned[place] == UInt8(ascii: ".") {
            isInteger = false
            place += 1
            skipDigits()
        }
        guard digits > 0 else { return nil }
        if place < unsigned.endIndex, unsigned[place] == UInt8(ascii: "e") || unsigned[place] == UInt8(ascii: "E") {
            isInteger = false
            place += 1
            if place < unsigned.endIndex, [UInt8(ascii: "-"), UInt8(ascii: "+")].contains(unsigned[place]) {
                place += 1
            }
            let before = digits
            skipDigits()
            guard digits > before else { return nil }
        }
        guard place == unsigned.endIndex else { return nil }
        if isInteger { return Int64(text).map { .value(.int($0)) } ?? .notANumber }
        // `Double` knows neither a point without digits before it nor one without digits after it.
        var spelt = text
        if first == UInt8(ascii: ".") {
            spelt = (signCount == 1 ? String(text.prefix(1)) : "") + "0" + String(decoding: unsigned, as: UTF8.self)
        }
        spelt = spelt.replacingPointWithoutFraction
        guard let value = Double(spelt), value.isFinite else { return .notANumber }
        return .value(.double(value))
    }

    private static func isDigit(_ byte: UInt8) -> Bool { ExpressionLexer.isDigit(byte) }
}

extension String {
    /// `1.` and `1.e3` as `1.0` and `1.0e3`.
    fileprivate var replacingPointWithoutFraction: String {
        guard let point = firstIndex(of: ".") else { return self }
        let next = index(after: point)
        guard next == endIndex || self[next] == "e" || self[next] == "E" else { return self }
        return "\(self[..<next])0\(self[next...])"
    }
}
