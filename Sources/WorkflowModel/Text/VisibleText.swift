/// Text from outside, made fit for a terminal or a log: what is shown moves no cursor, begins no line and hides
/// nothing.
///
/// A comment, a log line or an error message may come from anybody. On a terminal an escape sequence clears the screen,
/// a line break forges the next line, and a bidirectional control shows a text in another order than it is stored.
/// Every place that shows such text escapes it here, once, on the finished line.
package enum VisibleText {
    /// The text with each such character as `\u{1b}`; everything else, in any language, stays as it is.
    ///
    /// Backslashes are not doubled: the result is for reading, not for reading back.
    package static func escaped(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isShown(scalar) { shown.append(scalar) } else { escape(scalar.value, into: &shown) }
        }
        return String(shown)
    }

    /// The same for bytes that should be UTF-8: each byte that is not comes out as `\xff`.
    package static func escaped(utf8 bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes)
        if let text = String(validating: bytes, as: UTF8.self) { return escaped(text) }
        var shown = String.UnicodeScalarView()
        var parser = Unicode.UTF8.ForwardParser()
        var rest = bytes.makeIterator()
        var offset = 0
        while true {
            switch parser.parseScalar(from: &rest) {
            case .valid(let encoded):
                let scalar = Unicode.UTF8.decode(encoded)
                offset += encoded.count
                if isShown(scalar) { shown.append(scalar) } else { escape(scalar.value, into: &shown) }
            case .error(let length):
                for byte in bytes[offset..<offset + length] {
                    shown.append(contentsOf: "\\x\(hexadecimal(UInt32(byte), digitsMin: 2))".unicodeScalars)
                }
                offset += length
            case .emptyInput: return String(shown)
            }
        }
    }

    /// The text cut to so many bytes of UTF-8, the last of them an ellipsis if anything is missing.
    package static func capped(_ text: String, bytesMax: Int) -> String {
        guard text.utf8.count > bytesMax else { return text }
        let ellipsis = "…"
        var left = bytesMax - ellipsis.utf8.count
        guard left >= 0 else { return "" }
        var kept = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            left -= UTF8.width(scalar)
            if left < 0 { break }
            kept.append(scalar)
        }
        return String(kept) + ellipsis
    }

    /// Controls (C0, DEL, C1), line and paragraph separators, and format characters that cannot be seen: bidirectional
    /// controls, zero-width space, byte-order mark, tags. The two joiners stay, since emoji and several scripts need
    /// them.
    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x7F { return scalar.value >= 0x20 }
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: return false
        case .format:
            return scalar == "\u{200C}" || scalar == "\u{200D}" || !scalar.properties.isDefaultIgnorableCodePoint
        default: return true
        }
    }

    private static func escape(_ value: UInt32, into shown: inout String.UnicodeScalarView) {
        switch value {
        case 0x09: shown.append(contentsOf: "\\t".unicodeScalars)
        case 0x0A: shown.append(contentsOf: "\\n".unicodeScalars)
        case 0x0D: shown.append(contentsOf: "\\r".unicodeScalars)
        default: shown.append(contentsOf: "\\u{\(hexadecimal(value, digitsMin: 2))}".unicodeScalars)
        }
    }

    private static func hexadecimal(_ value: UInt32, digitsMin: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digitsMin - digits.count)) + digits
    }
}
