/// Names of any language in templates. The library reads names of ASCII only, so that others are written for it in
/// ASCII, each byte as `*c3`, and read back when data is looked up.
enum TemplateName {
    private static let star = UInt8(ascii: "*")

    /// A tag's content with the letters, marks and digits beyond ASCII written in ASCII. What else is beyond stays, for
    /// the parser to refuse.
    static func encoded(_ tag: ArraySlice<UInt8>) -> [UInt8] {
        guard tag.contains(where: { $0 >= 0x80 || $0 == star }) else { return Array(tag) }
        var encoded: [UInt8] = []
        for scalar in String(decoding: tag, as: UTF8.self).unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            guard scalar == "*" || !scalar.isASCII && isOfNames(scalar) else {
                encoded += bytes
                continue
            }
            for byte in bytes {
                encoded.append(star)
                if byte < 0x10 { encoded.append(UInt8(ascii: "0")) }
                encoded += Array(String(byte, radix: 16).utf8)
            }
        }
        return encoded
    }

    /// The name that the template has.
    static func decoded(_ name: String) -> String {
        guard name.utf8.contains(star) else { return name }
        var decoded: [UInt8] = []
        var rest = Array(name.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == star, digits.utf8.count == 2, let value = UInt8(digits, radix: 16) {
                decoded.append(value)
                rest = rest.dropFirst(2)
            } else {
                decoded.append(byte)
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func isOfNames(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .decimalNumber, .letterNumber, .otherNumber, .connectorPunctuation:
            true
        default: false
        }
    }
}
