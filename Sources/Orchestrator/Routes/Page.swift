import WebServing
import WorkflowModel

/// `?limit=` and `?cursor=` of a list, and its answer `{"items":[…],"next":cursor|null}`.
struct Page {
    static let limitDefault = 100
    static let limitMax = 500

    let limit: Int
    let cursor: String?

    /// - Parameter others: what the list takes besides.
    /// - Throws: 400 `invalid_parameter` for every parameter that is not known or stands twice: a misspelt filter would
    ///   give another list without a word.
    init(_ request: WebRequest, _ others: String...) throws(Problem) {
        try Self.check(request.query.names, ["limit", "cursor"] + others)
        limit = try request.query.int("limit", default: Self.limitDefault, in: 1...Self.limitMax)
        cursor = request.query["cursor"]
    }

    private static func check(_ names: [String], _ known: [String]) throws(Problem) {
        var seen: Set<String> = []
        var faults: [String] = []
        for name in names where !known.contains(name) || !seen.insert(name).inserted {
            let fault = known.contains(name) ? "\(name) is given twice" : "\"\(name)\" is not known"
            if !faults.contains(fault) { faults.append(fault) }
        }
        guard !faults.isEmpty else { return }
        throw Problem(
            400, "invalid_parameter",
            "\(faults.joined(separator: "; ")); the parameters here are \(known.joined(separator: ", "))")
    }

    /// The cursor as what a list orders by.
    /// - Throws: 400 `invalid_parameter` for one that no answer of the list had as its `next`.
    func position<Position>(_ read: (String) -> Position?) throws(Problem) -> Position? {
        guard let cursor else { return nil }
        guard let position = read(cursor) else { throw .invalidCursor }
        return position
    }

    func answer(_ items: [JSONValue], hasMore: Bool, cursor: String?) -> JSONValue {
        ["items": .array(items), "next": hasMore ? cursor.map { .string($0) } ?? nil : nil]
    }
}
