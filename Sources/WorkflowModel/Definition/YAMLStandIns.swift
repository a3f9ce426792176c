import Yams

extension YAMLSourceReader {
    /// Signs for private use that stand in for others while Yams reads, and what they stood for.
    struct StandIns {
        /// Stands for `*`.
        private let star: Unicode.Scalar
        /// Not used by the text, for the first letters of repeated keys.
        private var free: [Unicode.Scalar]
        private var firstLetters: [Unicode.Scalar: Unicode.Scalar] = [:]

        /// Repeated keys that are told apart in one reading; each costs one more pass over the text.
        private static let repeatedKeysMax = 20

        /// nil when the text leaves too few such signs free.
        init?(_ text: String) {
            let area = (0xE000...0xF8FF as ClosedRange<UInt32>).compactMap(Unicode.Scalar.init)
            var free = area.prefix(Self.repeatedKeysMax + 1).map { $0 }
            if text.utf8.contains(where: { $0 == 0xEE || $0 == 0xEF }) {
                let used = Set(text.unicodeScalars.filter { (0xE000...0xF8FF).contains($0.value) })
                free = area.lazy.filter { !used.contains($0) }.prefix(Self.repeatedKeysMax + 1).map { $0 }
            }
            guard free.count > Self.repeatedKeysMax, let star = free.popLast() else { return nil }
            self.star = star
            self.free = free
        }

        /// Parses the text. Yams stops at the first mapping with a repeated key, and names its first use: that one
        /// gets another first letter, until all of them can be read and reported.
        mutating func compose(_ text: String) throws -> (parser: Parser, root: Node?) {
            var source = text
            if text.utf8.contains(UInt8(ascii: "*")) {
                var scalars = String.UnicodeScalarView()
                for scalar in text.unicodeScalars { scalars.append(scalar == "*" ? star : scalar) }
                source = String(scalars)
            }
            while true {
                do {
                    // No resolver rules: a key is a text, and what a value means is decided here.
                    let parser = try Parser(yaml: source, resolver: .basic, encoding: .utf8)
                    return (parser, try parser.singleRoot())
                } catch let error as YamlError {
                    guard case .duplicatedKeysInMapping(_, let context) = error,
                        let renamed = rename(
                            at: SourcePosition(line: context.mark.line, column: context.mark.column), in: source)
                    else { throw error }
                    source = renamed
                }
            }
        }

        /// Changes the first letter of the key at a place; nil when it is not written plainly or no sign is left.
        private mutating func rename(at position: SourcePosition, in source: String) -> String? {
            var text = SourceText(source)
            guard var index = text.index(of: position), let sign = free.last else { return nil }
            if text[index] == "\"" || text[index] == "'" { index += 1 }
            guard index < text.scalars.count, text[index].properties.isAlphabetic || text[index] == "_",
                text[index] != star, firstLetters[text[index]] == nil
            else { return nil }
            firstLetters[sign] = text[index]
            text[index] = sign
            free.removeLast()
            return text.text
        }

        /// The name behind the `*` of what was read as a plain text.
        func aliasName(_ text: String) -> String? {
            guard text.unicodeScalars.first == star else { return nil }
            return String(text.unicodeScalars.dropFirst())
        }

        /// A key as the text has it.
        func restored(key: String) -> String {
            let text = restored(key as String)
            guard let sign = text.unicodeScalars.first, let letter = firstLetters[sign] else { return text }
            return String(letter) + String(text.unicodeScalars.dropFirst())
        }

        /// A scalar as the text has it.
        func restored(_ text: String) -> String {
            guard text.unicodeScalars.contains(star) else { return text }
            var scalars = String.UnicodeScalarView()
            for scalar in text.unicodeScalars { scalars.append(scalar == star ? "*" : scalar) }
            return String(scalars)
        }
    }
}
