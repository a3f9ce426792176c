/// Failures in a row, and the pause after each: twice as long as the one before, up to a longest.
struct Backoff: Hashable {
    struct Settings: Hashable {
        var pause: Int64 = 100_000_000
        var pauseMax: Int64 = 10_000_000_000
    }

    private(set) var failures = 0
    private(set) var until: MonotonicNanoseconds = .min
    /// Why the last one failed.
    private(set) var reason = ""

    func isPausing(_ now: MonotonicNanoseconds) -> Bool { now < until }

    /// Notes a failure; true when it begins a pause. What fails during one was begun before it and tells nothing new.
    mutating func failed(_ reason: String, _ now: MonotonicNanoseconds, _ settings: Settings) -> Bool {
        self.reason = reason
        guard !isPausing(now) else { return false }
        until = now + min(settings.pauseMax, settings.pause << Int64(min(failures, 20)))
        failures += 1
        return true
    }
}
