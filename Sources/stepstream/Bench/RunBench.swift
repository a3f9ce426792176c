import Glibc
import Synchronization
import WorkflowModel

/// Whole runs of three no-op steps over HTTP.
struct RunBench {
    static let warmUpCount = 300
    static let latencyCount = 3_000
    static let connections = 64

    let plugins: String

    /// One in flight: from sending the start to its answer.
    func latency(_ report: inout BenchReport) throws {
        let server = try BenchServer(plugins: plugins)
        defer { server.end(); server.remove() }
        report.add("start to ready", server.startMilliseconds, "ms", target: "≤ 300")
        try server.put(BenchWorkflow.threeSteps)
        var connection = try HTTPConnection(port: server.port)
        let request = BenchWorkflow.execute("bench-three", inputs: BenchWorkflow.order, wait: true)
        for _ in 0..<Self.warmUpCount { _ = try Self.run(&connection, request) }
        var sample = Sample()
        for _ in 0..<Self.latencyCount { sample.add(try Self.run(&connection, request)) }
        report.add("three no-op steps, one in flight", sample, "ms", p50: "≤ 2.5", p99: "≤ 15")
    }

    /// Milliseconds of one run that must complete.
    private static func run(_ connection: inout HTTPConnection, _ request: [UInt8]) throws -> Double {
        let start = BenchClock.monotonic
        let answer = try connection.call(request)
        let milliseconds = Double(BenchClock.monotonic - start) / 1e6
        guard answer.status == 200, answer.body.firstRange(of: Array("\"status\":\"completed\"".utf8)) != nil else {
            throw CommandError(.failed, "a run did not complete: \(String(decoding: answer.body, as: UTF8.self))")
        }
        return milliseconds
    }

    /// 64 in flight for so many seconds.
    func throughput(seconds: Int, _ report: inout BenchReport) throws {
        let server = try BenchServer(plugins: plugins)
        defer { server.end(); server.remove() }
        try server.put(BenchWorkflow.threeSteps)
        let request = BenchWorkflow.execute("bench-three", inputs: BenchWorkflow.order, wait: true)
        _ = try Self.drive(server, request, seconds: 2)
        let children = server.children
        let before = (
            BenchServer.cpuSeconds(server.pid), children.map(BenchServer.cpuSeconds).reduce(0, +), BenchClock.ownCPU
        )
        let start = BenchClock.monotonic
        let sample = try Self.drive(server, request, seconds: seconds)
        let elapsed = Double(BenchClock.monotonic - start) / 1e9
        let backlog = try server.get("/health")["parts"]?["relay"]?["backlog_age_ms"]?.doubleValue ?? -1
        let runs = Double(sample.count)
        report.add("throughput, 64 in flight, \(seconds) s", runs / elapsed, "executions/s", target: "≥ 1000")
        report.add("  latency under load", sample, "ms")
        report.add("  backlog of the relay at the end", backlog, "ms", target: "≤ 1000")
        let server0 = BenchServer.cpuSeconds(server.pid) - before.0
        let hosts = children.map(BenchServer.cpuSeconds).reduce(0, +) - before.1
        report.add("  CPU a run, server", server0 / runs * 1e6, "µs")
        report.add("  CPU a run, step hosts", hosts / runs * 1e6, "µs")
        report.add("  CPU a run, generator", Double(BenchClock.ownCPU - before.2) / runs / 1e3, "µs")
    }

    private static func drive(_ server: BenchServer, _ request: [UInt8], seconds: Int) throws -> Sample {
        let end = BenchClock.monotonic + UInt64(seconds) * 1_000_000_000
        let port = server.port
        let collector = Collector()
        let threads = (0..<connections).map { _ in
            BenchThread {
                var sample = Sample()
                do {
                    var connection = try HTTPConnection(port: port)
                    while BenchClock.monotonic < end { sample.add(try run(&connection, request)) }
                    collector.add(sample, nil)
                } catch { collector.add(sample, "\(error)") }
            }
        }
        for thread in threads { thread.join() }
        let result = collector.result
        if let failure = result.failure { throw CommandError(.failed, failure) }
        return result.sample
    }

    private final class Collector: Sendable {
        private let state = Mutex<(sample: Sample, failure: String?)>((Sample(), nil))
        func add(_ sample: Sample, _ failure: String?) {
            state.withLock {
                $0.sample.add(sample)
                $0.failure = $0.failure ?? failure
            }
        }
        var result: (sample: Sample, failure: String?) { state.withLock { $0 } }
    }
}
