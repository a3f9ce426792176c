/// How many columns of a terminal a text takes (Unicode Standard Annex #11).
enum DisplayWidth {
    /// Of a text without control characters.
    static func of(_ text: some StringProtocol) -> Int { text.reduce(0) { $0 + width($1) } }

    /// The text within so many columns, the last of them an ellipsis if anything is missing.
    static func cut(_ text: String, columns: Int) -> String {
        guard of(text) > columns else { return text }
        guard columns > 0 else { return "" }
        var left = columns - 1
        var kept = ""
        for character in text {
            left -= width(character)
            if left < 0 { break }
            kept.append(character)
        }
        return kept + "…"
    }

    /// A character takes the place of its base; marks and joined emoji add none.
    private static func width(_ character: Character) -> Int {
        let scalars = character.unicodeScalars
        guard let base = scalars.first else { return 0 }
        switch base.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        let isEmoji = base.properties.isEmojiPresentation || scalars.contains("\u{FE0F}")
        return isEmoji || wide.contains { $0.contains(base.value) } ? 2 : 1
    }

    /// Blocks that are wide or full-width as a whole, apart from emoji.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
        0x20000...0x3FFFD,
    ]
}
