import Glibc
import WorkflowModel

/// From the restart after a kill to 10,000 open executions taken up again.
struct RecoveryBench {
    static let executions = 10_000

    let plugins: String

    func measure(_ report: inout BenchReport) throws {
        let first = try BenchServer(plugins: plugins)
        try first.put(BenchWorkflow.open)
        var connection = try HTTPConnection(port: first.port)
        let request = BenchWorkflow.execute("bench-open", inputs: [:], wait: false)
        for _ in 0..<Self.executions {
            let answer = try connection.call(request)
            guard answer.status == 200 else {
                throw CommandError(.failed, "a start was refused: \(String(decoding: answer.body, as: UTF8.self))")
            }
        }
        first.end(SIGKILL)
        let second = try BenchServer(plugins: plugins, dataDirectory: first.dataDirectory)
        defer { second.end(SIGKILL); second.remove() }
        var standing = try second.get("/health")["parts"]?["executions"]
        while standing?["recovery_ms"] == nil {
            usleep(20_000)
            standing = try second.get("/health")["parts"]?["executions"]
        }
        guard standing?["recovered"]?.intValue == Int64(Self.executions) else {
            throw CommandError(
                .failed, "recovered \(standing?["recovered"]?.encodedText ?? "none") of \(Self.executions)")
        }
        report.add(
            "recovery of 10,000 open executions", standing?["recovery_ms"]?.doubleValue ?? 0, "ms", target: "≤ 5000")
        report.add("  start to ready meanwhile", second.startMilliseconds, "ms")
    }
}
