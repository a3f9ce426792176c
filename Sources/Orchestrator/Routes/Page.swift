import WebServing
import WorkflowModel

/// `?limit=` and `?cursor=` of a list, and its answer `{"items":[…],"next":cursor|null}`.
struct Page {
    static let limitDefault = 100
    static let limitMax = 500

    let limit: Int
    let cursor: String?

    /// - Parameter others: what the list takes besides.
    /// - Throws: 400 `invalid_parameter`, also for parameters that the list does not take.
    init(_ request: WebRequest, _ others: String...) throws(Problem) {
        try request.query.check(known: ["limit", "cursor"] + others)
        limit = try request.query.int("limit", default: Self.limitDefault, in: 1...Self.limitMax)
        cursor = request.query["cursor"]
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
