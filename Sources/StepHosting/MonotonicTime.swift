import Glibc

/// Nanoseconds of the monotonic clock; `.max` is never.
typealias MonotonicNanoseconds = Int64

enum MonotonicTime {
    static var now: MonotonicNanoseconds { read(CLOCK_MONOTONIC) }
    /// Nanoseconds since 1970.
    static var wall: Int64 { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    /// Whole nanoseconds, held within what 64 bits can add without overflow.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        // 100 years: far beyond any setting, far below overflow.
        guard seconds < 3_155_760_000 else { return 3_155_760_000_000_000_000 }
        return max(0, seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
