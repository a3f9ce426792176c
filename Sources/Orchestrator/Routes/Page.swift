import WebServing
import WorkflowModel

/// `?limit=` and `?cursor=` of a list, and its answer `{"items":[…],"next":cursor|null}`.
struct Page {
    static let limitDefault = 100
    static let limitMax = 500

    let limit: Int
    let cursor: String?

    init(_ request: WebRequest) throws(Problem) {
        limit = try request.query.int("limit", default: Self.limitDefault, in: 1...Self.limitMax)
        cursor = request.query["cursor"]
    }

    func answer(_ items: [JSONValue], hasMore: Bool, cursor: String?) -> JSONValue {
        ["items": .array(items), "next": hasMore ? cursor.map { .string($0) } ?? nil : nil]
    }
}
