import Glibc
import WorkflowModel

/// From an event's time to its WebSocket frame: 1,000 sockets, each on an execution of its own, 500 events/s in total.
///
/// An event's time is taken before its commit, so the figure includes the commit.
struct StreamBench {
    static let sockets = 1_000
    static let eventsPerSecond = 500
    static let eventsPerRun = 8

    let plugins: String

    func measure(_ report: inout BenchReport) throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let server = try BenchServer(plugins: plugins)
        defer { server.end(); server.remove() }
        try server.put(BenchWorkflow.threeSteps)
        var random = SystemRandomNumberGenerator()
        var readers = try (0..<Self.sockets).map { _ in
            let execution = ExecutionID(at: SystemWallClock().now, using: &random)
            var connection = try HTTPConnection(port: server.port)
            let (descriptor, rest) = try connection.upgrade("/api/v1/workflows/stream/\(execution)")
            return FrameReader(execution: execution, descriptor: descriptor, buffer: rest)
        }
        defer { for reader in readers { close(reader.descriptor) } }
        let requests = readers.map {
            BenchWorkflow.execute("bench-three", inputs: BenchWorkflow.order, wait: false, execution: $0.execution)
        }
        let port = server.port
        let generator = BenchThread { Self.start(requests, port: port) }
        let sample = try Self.read(&readers)
        generator.join()
        report.add("event time → WebSocket frame, 1,000 sockets", sample, "ms", p50: "≤ 5", p99: "≤ 25")
    }

    /// Starts one run after another at the rate that gives the events a second.
    private static func start(_ requests: [[UInt8]], port: UInt16) {
        guard var connection = try? HTTPConnection(port: port) else { return }
        let interval = UInt64(1_000_000_000 * eventsPerRun / eventsPerSecond)
        var next = BenchClock.monotonic
        for request in requests {
            var until = timespec(tv_sec: Int(next / 1_000_000_000), tv_nsec: Int(next % 1_000_000_000))
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nil)
            _ = try? connection.call(request)
            next += interval
        }
    }

    private static func read(_ readers: inout [FrameReader]) throws -> Sample {
        var sample = Sample()
        var waiting = readers.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        var openCount = readers.count
        while openCount > 0 {
            guard poll(&waiting, nfds_t(waiting.count), 30_000) > 0 else {
                throw CommandError(.failed, "\(openCount) streams did not end")
            }
            for index in waiting.indices where waiting[index].revents != 0 {
                for time in readers[index].take() { sample.add(Double(Int64(BenchClock.wall / 1_000) - time) / 1_000) }
                if readers[index].isEnded {
                    // A negative descriptor is left out by poll(2).
                    waiting[index].fd = -1
                    openCount -= 1
                }
            }
        }
        return sample
    }
}

/// Takes events out of a server's WebSocket frames (RFC 6455 §5.2, unmasked).
private struct FrameReader {
    let execution: ExecutionID
    let descriptor: Int32
    var buffer: [UInt8]
    private(set) var isEnded = false

    init(execution: ExecutionID, descriptor: Int32, buffer: [UInt8]) {
        self.execution = execution
        self.descriptor = descriptor
        self.buffer = buffer
    }

    /// Reads what is there; gives the events' times in microseconds since 1970.
    mutating func take() -> [Int64] {
        var chunk = [UInt8](repeating: 0, count: 16_384)
        let count = recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
        if count <= 0 { isEnded = true }
        buffer += chunk.prefix(max(count, 0))
        var times: [Int64] = []
        while let frame = nextFrame() {
            if frame.opcode == 8 { isEnded = true }
            guard frame.opcode == 1, let start = frame.payload.firstRange(of: Array("\"time\":\"".utf8)) else {
                continue
            }
            let text = String(decoding: frame.payload[start.upperBound...].prefix(27), as: UTF8.self)
            if let time = Timestamp(text) { times.append(time.microseconds) }
        }
        return times
    }

    private mutating func nextFrame() -> (opcode: UInt8, payload: [UInt8])? {
        guard buffer.count >= 2 else { return nil }
        var length = Int(buffer[1] & 0x7F)
        var header = 2
        if length == 126 {
            guard buffer.count >= 4 else { return nil }
            length = Int(buffer[2]) << 8 | Int(buffer[3])
            header = 4
        }
        guard buffer.count >= header + length else { return nil }
        let payload = Array(buffer[header..<header + length])
        let opcode = buffer[0] & 0x0F
        buffer.removeFirst(header + length)
        return (opcode, payload)
    }
}
