/// Text of others within a message for people: it can neither begin a line of the message nor hide what it is.
enum QuotedText {
    /// `name: value`, or the name and below it each line of the value, quoted and indented, where the value is free
    /// text.
    static func lines(_ line: ApprovalMessage.Line) -> [String] {
        let parts = Self.parts(line.value)
        guard line.isFreeText else { return ["\(line.name): \(parts.joined(separator: " "))"] }
        return ["\(line.name):"] + parts.map { "    > \($0)" }
    }

    /// One line.
    static func oneLine(_ text: String) -> String { parts(text).joined(separator: " ") }

    /// The text's lines, without what is not shown.
    private static func parts(_ text: String) -> [String] {
        var parts = [""]
        var isAfterReturn = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n" where isAfterReturn: break
            // All line breaks of Unicode 16 §5.8: mail programs differ in which of them they honour.
            case "\n", "\r", "\u{0B}", "\u{0C}", "\u{85}", "\u{2028}", "\u{2029}": parts.append("")
            case _ where isHidden(scalar): break
            default: parts[parts.count - 1].unicodeScalars.append(scalar)
            }
            isAfterReturn = scalar == "\r"
        }
        return parts
    }

    /// Control characters, and those that turn the direction of what follows around.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09: false
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x061C, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
