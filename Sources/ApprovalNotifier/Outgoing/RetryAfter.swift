import WorkflowModel

/// Reads the header `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
enum RetryAfter {
    /// From now on; nil for what is neither. A moment that has passed is no wait.
    static func duration(_ text: String, now: Timestamp) -> Duration? {
        if !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            // More digits than a number holds is longer than anybody waits.
            return .seconds(min(Int64(text) ?? .max, 1 << 32))
        }
        return InternetDate.http(text, now: now).map { max(.zero, $0 - now) }
    }
}
