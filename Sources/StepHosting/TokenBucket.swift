/// Allows `burst` events at once, and one more for each interval that has passed.
struct TokenBucket {
    let burst: Int
    /// Nanoseconds.
    let interval: Int64
    private var tokens: Int
    /// Nil before the first event.
    private var refilledAt: MonotonicNanoseconds?

    init(burst: Int, interval: Int64) {
        (self.burst, self.interval) = (burst, interval)
        tokens = burst
    }

    /// False when the event is one too many.
    mutating func take(_ now: MonotonicNanoseconds) -> Bool {
        let last = refilledAt ?? now
        let earned = (now - last) / interval
        tokens = Int(min(Int64(burst), Int64(tokens) + earned))
        refilledAt = last + earned * interval
        guard tokens > 0 else { return false }
        tokens -= 1
        return true
    }
}
