/// How an attempt ended.
enum DeliveryOutcome: Hashable, Sendable {
    case delivered
    /// To be tried again; `retryAfter` is what the receiver asked for, for everything that is sent to it.
    case failed(String, retryAfter: Duration? = nil)
    /// Some of the channel's recipients have it, and `left` do not; final when no attempt would end otherwise for them.
    case partly(left: [String], isFinal: Bool, reason: String)
    /// No further attempt would end otherwise.
    case refused(String)
    /// The receiver wants nothing from us any more (HTTP 410).
    case gone(String)

    /// For metrics.
    var label: String {
        switch self {
        case .delivered: "delivered"
        case .failed: "failed"
        case .partly: "partly"
        case .refused: "refused"
        case .gone: "gone"
        }
    }

    var reason: String? {
        switch self {
        case .delivered: nil
        case .failed(let reason, _), .partly(_, _, let reason), .refused(let reason), .gone(let reason): reason
        }
    }

    /// Whether somebody has the message.
    var isTold: Bool {
        switch self {
        case .delivered, .partly: true
        case .failed, .refused, .gone: false
        }
    }

    /// Whether another attempt may end otherwise.
    var mayPass: Bool {
        switch self {
        case .failed: true
        case .partly(_, let isFinal, _): !isFinal
        case .delivered, .refused, .gone: false
        }
    }

    var retryAfter: Duration? { if case .failed(_, let retryAfter) = self { retryAfter } else { nil } }
}
