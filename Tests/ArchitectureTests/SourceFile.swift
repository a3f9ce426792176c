/// A source file as the rules see it.
struct SourceFile: Sendable {
    /// From the repository's root: `Sources/Room/Folder/File.swift`.
    var path: String
    var text: String

    init(_ path: String, _ text: String) {
        self.path = path
        self.text = text
    }

    /// The target a file belongs to, the folder below `Sources`.
    var room: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

    /// The lines with comments and the insides of string literals blanked, so that only code is left.
    var codeLines: [String] {
        Self.code(of: text).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    var isSwift: Bool { path.hasSuffix(".swift") }

    private static func code(of text: String) -> String {
        enum State: Equatable {
            case code, line, string(isLong: Bool, hashes: Int)
            case block(depth: Int)
        }
        let scalars = Array(text.unicodeScalars)
        var output = String.UnicodeScalarView()
        var state = State.code
        var position = 0
        func starts(_ sign: String, at place: Int) -> Bool { scalars[place...].starts(with: sign.unicodeScalars) }
        while position < scalars.count {
            let scalar = scalars[position]
            var step = 1
            var kept = scalar == "\n"
            switch state {
            case .code:
                if starts("//", at: position) {
                    state = .line
                } else if starts("/*", at: position) {
                    state = .block(depth: 1)
                    step = 2
                } else if scalar == "\"" {
                    var hashes = 0
                    while position - hashes > 0, scalars[position - hashes - 1] == "#" { hashes += 1 }
                    let isLong = starts("\"\"\"", at: position)
                    state = .string(isLong: isLong, hashes: hashes)
                    step = isLong ? 3 : 1
                } else {
                    kept = true
                }
            case .line: if scalar == "\n" { state = .code }
            case .block(let depth):
                if starts("*/", at: position) {
                    state = depth == 1 ? .code : .block(depth: depth - 1)
                    step = 2
                } else if starts("/*", at: position) {
                    state = .block(depth: depth + 1)
                    step = 2
                }
            case .string(let isLong, let hashes):
                let end = (isLong ? "\"\"\"" : "\"") + String(repeating: "#", count: hashes)
                if starts(end, at: position) {
                    state = .code
                    step = end.unicodeScalars.count
                } else if hashes == 0 && scalar == "\\" {
                    step = 2
                } else if !isLong && scalar == "\n" {
                    state = .code
                }
            }
            if kept { output.append(scalar) }
            position += step
        }
        return String(output)
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
        return codeLines.enumerated().flatMap { number, line in
            // `import` is a reserved word: in code it is nothing but an import, whatever stands before it.
            line.split(separator: ";").compactMap { statement in
                let words = Self.words(of: statement)
                guard let place = words.firstIndex(of: "import") else { return nil }
                return words[(place + 1)...].first { !kinds.contains($0) }.map { ($0, number + 1) }
            }
        }
    }
}
