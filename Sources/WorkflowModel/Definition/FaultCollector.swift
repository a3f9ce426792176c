/// Gathers faults while a definition is read and checked.
struct FaultCollector {
    private(set) var faults: [DefinitionFault] = []
    private(set) var omittedCount = 0
    let countMax: Int
    private var suggestions = Suggestions()

    init(countMax: Int) { self.countMax = countMax }

    var isEmpty: Bool { faults.isEmpty }
    /// Further faults are counted and not kept, so nobody needs to find out where they are.
    var isFull: Bool { faults.count >= countMax }

    mutating func add(_ code: DefinitionFault.Code, _ path: String, _ position: SourcePosition, _ message: String) {
        guard !isFull else {
            omittedCount += 1
            return
        }
        faults.append(
            DefinitionFault(
                path: Self.cut(path), line: position.line, column: position.column, code: code,
                message: Self.cut(message)))
    }

    /// `; did you mean 'x'?` for the message of a fault that is kept, when a known word is near; otherwise nothing.
    mutating func suggestion(for word: String, among known: some Sequence<String>) -> String {
        isFull ? "" : suggestions.nearest(to: word, among: known).map { "; did you mean '\($0)'?" } ?? ""
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
