/// How an attempt ended.
enum DeliveryOutcome: Hashable, Sendable {
    case delivered
    /// To be tried again; `retryAfter` is what the receiver asked for, for everything that is sent to it.
    case failed(String, retryAfter: Duration? = nil)
    /// No further attempt would end otherwise.
    case refused(String)
    /// The receiver wants nothing from us any more (HTTP 410).
    case gone(String)

    /// For metrics.
    var label: String {
        switch self {
        case .delivered: "delivered"
        case .failed: "failed"
        case .refused: "refused"
        case .gone: "gone"
        }
    }

    var reason: String? {
        switch self {
        case .delivered: nil
        case .failed(let reason, _), .refused(let reason), .gone(let reason): reason
        }
    }
}
