/// The recent crashes of one plugin build and the quarantine they led to.
struct CrashHistory: Hashable {
    struct Settings: Hashable {
        var crashesMax: Int
        var window: Int64
        var quarantine: Int64
        var quarantineMax: Int64
    }

    private var times: [MonotonicNanoseconds] = []
    private var length: Int64 = 0
    private(set) var quarantinedUntil: MonotonicNanoseconds = .min

    func isQuarantined(_ now: MonotonicNanoseconds) -> Bool { now < quarantinedUntil }

    /// Whether a crash or a quarantine still counts for the next one.
    func isRemembered(_ now: MonotonicNanoseconds, _ settings: Settings) -> Bool {
        let latest = max(times.last ?? .min, quarantinedUntil)
        return latest != .min && now - settings.window <= latest
    }

    /// Notes a crash; true when it begins a quarantine. Each follows the last one twice as long.
    mutating func crashed(_ now: MonotonicNanoseconds, _ settings: Settings) -> Bool {
        times.removeAll { $0 <= now - settings.window }
        // A quiet time as long as the window and the last quarantine forgives.
        if times.isEmpty && now - settings.window > quarantinedUntil { length = 0 }
        times.append(now)
        guard times.count >= settings.crashesMax, !isQuarantined(now) else { return false }
        length = length == 0 ? settings.quarantine : min(length * 2, settings.quarantineMax)
        quarantinedUntil = now + length
        // One crash after the quarantine is enough for the next.
        times = Array(times.suffix(settings.crashesMax - 1))
        return true
    }
}
