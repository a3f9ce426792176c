/// What the machine, not a plugin, did to a step host: it is waited out and tried again.
enum MachineFault: Hashable {
    /// There was no process, or none that was there in time: no plugin had a part in it.
    case start(String)
    /// The plugin of this build neither opens nor computes.
    case stall(String)
}

/// Failures in a row, and how long to wait after them: each pause is twice the one before.
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
