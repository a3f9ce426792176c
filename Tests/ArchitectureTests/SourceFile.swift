/// A source file as the rules see it.
struct SourceFile: Sendable {
    /// From the repository's root: `Sources/Room/Folder/File.swift`.
    let path: String
    let text: String
    /// The lines with comments and the insides of string literals blanked, so that only code is left.
    let codeLines: [String]

    init(_ path: String, _ text: String) {
        self.path = path
        self.text = text
        codeLines = Self.code(of: text).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// The target a file belongs to, the folder below `Sources`.
    var room: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

    var isSwift: Bool { path.hasSuffix(".swift") }

    // Over bytes, and with a look at one of them before any comparison: the whole repository passes through here in a
    // debug build.
    private static func code(of text: String) -> [UInt8] {
        enum State {
            case code, line, string(isLong: Bool, hashes: Int)
            case block(depth: Int)
        }
        let bytes = Array(text.utf8)
        let (newline, quote, slash, star) = (
            UInt8(ascii: "\n"), UInt8(ascii: "\""), UInt8(ascii: "/"), UInt8(ascii: "*")
        )
        let (hash, backslash) = (UInt8(ascii: "#"), UInt8(ascii: "\\"))
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var state = State.code
        var position = 0
        func next(_ distance: Int) -> UInt8? {
            position + distance < bytes.count ? bytes[position + distance] : nil
        }
        while position < bytes.count {
            let byte = bytes[position]
            var step = 1
            var kept = byte == newline
            switch state {
            case .code:
                if byte == slash && next(1) == slash {
                    state = .line
                } else if byte == slash && next(1) == star {
                    state = .block(depth: 1)
                    step = 2
                } else if byte == quote {
                    var hashes = 0
                    while position - hashes > 0, bytes[position - hashes - 1] == hash { hashes += 1 }
                    let isLong = next(1) == quote && next(2) == quote
                    state = .string(isLong: isLong, hashes: hashes)
                    step = isLong ? 3 : 1
                } else {
                    kept = true
                }
            case .line: if byte == newline { state = .code }
            case .block(let depth):
                if byte == star && next(1) == slash {
                    state = depth == 1 ? .code : .block(depth: depth - 1)
                    step = 2
                } else if byte == slash && next(1) == star {
                    state = .block(depth: depth + 1)
                    step = 2
                }
            case .string(let isLong, let hashes):
                let quotes = isLong ? 3 : 1
                if byte == quote, (1..<quotes).allSatisfy({ next($0) == quote }),
                    (0..<hashes).allSatisfy({ next(quotes + $0) == hash })
                {
                    state = .code
                    step = quotes + hashes
                } else if hashes == 0 && byte == backslash {
                    step = 2
                } else if !isLong && byte == newline {
                    state = .code
                }
            }
            if kept { output.append(byte) }
            position += step
        }
        return output
    }

    /// The words of a line of code.
    static func words(of line: some StringProtocol) -> [String] {
        let words: [Substring] = Substring(line).split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "@") }
        return words.map(String.init)
    }

    /// Modules the file imports, with line numbers from 1.
    var imports: [(module: String, line: Int)] {
        guard isSwift else { return [] }
        let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor"]
        return codeLines.enumerated().flatMap { number, line -> [(module: String, line: Int)] in
            guard line.utf8.count > "import".count && line.contains("import") else { return [] }
            // `import` is a reserved word: in code it is nothing but an import, whatever stands before it.
            return line.split(separator: ";").compactMap { statement in
                let words = Self.words(of: statement)
                guard let place = words.firstIndex(of: "import") else { return nil }
                return words[(place + 1)...].first { !kinds.contains($0) }.map { ($0, number + 1) }
            }
        }
    }
}
