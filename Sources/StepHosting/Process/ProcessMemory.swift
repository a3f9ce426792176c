import Glibc

/// The memory of another process.
enum ProcessMemory {
    /// Resident bytes, the second field of `/proc/PID/statm` in pages; 0 when it cannot be read.
    static func residentBytes(of process: pid_t) -> Int {
        let descriptor = open("/proc/\(process)/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return 0 }
        let fields = String(decoding: bytes[..<count], as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}

/// The processor time of another process.
enum ProcessTime {
    /// Nanoseconds that all its threads have computed; 0 when they cannot be read.
    static func nanoseconds(of process: pid_t) -> Int64 {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else { return 0 }
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
