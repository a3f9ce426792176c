import Glibc

/// What the machine itself costs: nothing built on it can be quicker.
enum Floors {
    static let fsyncCount = 500
    static let roundTripCount = 5_000

    static func measure(_ report: inout BenchReport) throws {
        report.add("floor: 8 KiB append + fdatasync", try fsync(), "µs")
        report.add("floor: socket pair round trip, 256 B, two threads", try roundTrip(), "µs")
    }

    private static func fsync() throws -> Sample {
        let directory = try TemporaryDirectory.make("stepstream-bench")
        defer { TemporaryDirectory.remove(directory) }
        let descriptor = open(directory + "/floor", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CommandError(.failed, "\(directory) cannot be written") }
        defer { close(descriptor) }
        let block = [UInt8](repeating: 0x5A, count: 8_192)
        var sample = Sample()
        for index in 0..<fsyncCount {
            let start = BenchClock.monotonic
            guard pwrite(descriptor, block, block.count, off_t(index * block.count)) == block.count,
                fdatasync(descriptor) == 0
            else { throw CommandError(.failed, "\(directory) cannot be written: \(String(cString: strerror(errno)))") }
            sample.add(Double(BenchClock.monotonic - start) / 1_000)
        }
        return sample
    }

    private static func roundTrip() throws -> Sample {
        var pair: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw CommandError(.failed, "no socket pair: \(String(cString: strerror(errno)))")
        }
        let (near, far) = (pair[0], pair[1])
        let echo = BenchThread {
            var buffer = [UInt8](repeating: 0, count: 256)
            while read(far, &buffer, buffer.count) > 0 { write(far, buffer, buffer.count) }
            close(far)
        }
        var sample = Sample()
        var buffer = [UInt8](repeating: 1, count: 256)
        for _ in 0..<roundTripCount {
            let start = BenchClock.monotonic
            write(near, buffer, buffer.count)
            read(near, &buffer, buffer.count)
            sample.add(Double(BenchClock.monotonic - start) / 1_000)
        }
        close(near)
        echo.join()
        return sample
    }
}
