/// How many frames a step host may send beside its answers to calls: a bucket of tokens.
///
/// A step host of ours stays far below it: it sends at most 10 heartbeats and 20 notes of progress a second, and drops
/// logs while the socket is full. A plugin that writes frames itself would keep the reactor, which every call waits for,
/// busy for as long as it likes.
struct FrameAllowance {
    /// The most in one go: the activity that one call may have, twice.
    static let burst = 20_000
    static let perSecond: Int64 = 5_000

    private var tokens = FrameAllowance.burst
    private var refilledAt: MonotonicNanoseconds = .min

    /// False when there are no more.
    mutating func take(_ now: MonotonicNanoseconds) -> Bool {
        let interval = 1_000_000_000 / Self.perSecond
        if refilledAt == .min { refilledAt = now }
        let earned = (now - refilledAt) / interval
        if earned > 0 {
            tokens = Int(min(Int64(Self.burst), Int64(tokens) + earned))
            refilledAt += earned * interval
        }
        guard tokens > 0 else { return false }
        tokens -= 1
        return true
    }
}
