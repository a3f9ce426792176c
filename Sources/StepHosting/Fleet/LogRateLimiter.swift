/// Limits the lines of the server's log that a plugin can cause, so that it cannot fill the disk with them: 20 at once
/// and one a second. What is left out is counted, and the next line tells the count.
struct LogRateLimiter {
    private var bucket = TokenBucket(burst: 20, interval: 1_000_000_000)
    private var suppressed = 0

    /// Nil: write no line. Otherwise how many lines were left out since the last one.
    mutating func admit(_ now: MonotonicNanoseconds) -> Int? {
        guard bucket.take(now) else {
            suppressed += 1
            return nil
        }
        defer { suppressed = 0 }
        return suppressed
    }
}
