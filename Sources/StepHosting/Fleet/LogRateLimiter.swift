/// How often a plugin may cause a line in the server's log: a bucket of tokens. What is left out is counted and told
/// with the next line, so that a plugin cannot fill the disk with what it provokes.
struct LogRateLimiter {
    static let burst = 20
    static let interval: Int64 = 1_000_000_000

    private var tokens = LogRateLimiter.burst
    private var refilledAt: MonotonicNanoseconds = .min
    private var suppressed = 0

    /// Nil: write no line. Otherwise how many lines were left out since the last one.
    mutating func admit(_ now: MonotonicNanoseconds) -> Int? {
        if refilledAt == .min { refilledAt = now }
        let earned = (now - refilledAt) / Self.interval
        if earned > 0 {
            tokens = Int(min(Int64(Self.burst), Int64(tokens) + earned))
            refilledAt += earned * Self.interval
        }
        guard tokens > 0 else {
            suppressed += 1
            return nil
        }
        tokens -= 1
        defer { suppressed = 0 }
        return suppressed
    }
}
