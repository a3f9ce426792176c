/// Gathers faults while a definition is read and checked.
struct FaultCollector {
    private(set) var faults: [DefinitionFault] = []
    private(set) var omittedCount = 0
    let countMax: Int

    init(countMax: Int) { self.countMax = countMax }

    var isEmpty: Bool { faults.isEmpty }

    mutating func add(_ code: DefinitionFault.Code, _ path: String, _ position: SourcePosition, _ message: String) {
        guard faults.count < countMax else {
            omittedCount += 1
            return
        }
        faults.append(
            DefinitionFault(
                path: Self.cut(path), line: position.line, column: position.column, code: code,
                message: Self.cut(message)))
    }

    /// Names in a message come from the text and may be as long as it.
    private static let textScalarsMax = 500

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > textScalarsMax else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(textScalarsMax))) + "…"
    }

    /// Everything gathered, in the order of the text.
    var error: DefinitionError {
        DefinitionError(
            faults: faults.sorted { ($0.line, $0.column) < ($1.line, $1.column) }, faultsOmitted: omittedCount)
    }
}

/// Nearest of some known words, for "did you mean".
enum Suggestion {
    /// `; did you mean 'x'?` when one of the words is at most two edits away, otherwise nothing.
    static func text(for word: String, among known: some Sequence<String>) -> String {
        nearest(to: word, among: known).map { "; did you mean '\($0)'?" } ?? ""
    }

    static func nearest(to word: String, among known: some Sequence<String>) -> String? {
        let letters = Array(word.utf8.prefix(wordBytesMax))
        var best: (word: String, distance: Int)?
        for candidate in known {
            let distance = distance(letters, Array(candidate.utf8.prefix(wordBytesMax)))
            if distance <= min(2, max(1, candidate.utf8.count / 2)), distance < best?.distance ?? .max {
                best = (candidate, distance)
            }
        }
        return best?.word
    }

    /// Longer words are compared by their beginning; the cost is quadratic.
    private static let wordBytesMax = 64

    /// Edits from one word to the other: insert, delete, replace (Levenshtein).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[right.count]
    }
}
