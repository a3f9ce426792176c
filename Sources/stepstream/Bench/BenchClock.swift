import Glibc

/// Times for measuring, in nanoseconds.
enum BenchClock {
    static var monotonic: UInt64 { read(CLOCK_MONOTONIC) }
    /// Since 1970, to compare with event times.
    static var wall: UInt64 { read(CLOCK_REALTIME) }
    /// CPU time of this process, all threads.
    static var ownCPU: UInt64 { read(CLOCK_PROCESS_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
