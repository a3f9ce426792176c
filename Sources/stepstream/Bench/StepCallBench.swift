import StepHosting
import WorkflowEngine
import WorkflowModel

/// One isolated call of the no-op step, without engine, journal or HTTP.
struct StepCallBench {
    static let warmUpCount = 500
    static let count = 10_000

    let plugins: String

    func measure(_ report: inout BenchReport) async throws {
        let directory = try TemporaryDirectory.make("stepstream-bench")
        defer { TemporaryDirectory.remove(directory) }
        let hosting = try StepHosting(
            configuration: HostingConfiguration(
                pluginDirectories: [plugins], dataDirectory: directory, stepHostPath: Settings.stepHostPath),
            logger: LogOutput.logger(level: "error"))
        try hosting.start()
        await hosting.discovered()
        guard let plugin = hosting.plugin(named: "bench") else {
            await hosting.shutdown()
            throw CommandError(.usage, "\(plugins) has no plugin named bench; build it with deploy/build.sh")
        }
        var random = SystemRandomNumberGenerator()
        let call = StepCall(
            execution: ExecutionID(at: SystemWallClock().now, using: &random), workflow: "bench", path: "noop",
            function: FunctionName(plugin: "bench", function: "noop"), pluginHash: plugin.hash, attempt: 1,
            input: BenchWorkflow.order.encoded, timeout: .seconds(10))
        var sample = Sample()
        for index in 0..<Self.warmUpCount + Self.count {
            let start = BenchClock.monotonic
            let outcome = await hosting.run(call)
            let microseconds = Double(BenchClock.monotonic - start) / 1_000
            guard case .completed = outcome.result else { throw CommandError(.failed, "a call failed: \(outcome)") }
            if index >= Self.warmUpCount { sample.add(microseconds) }
        }
        await hosting.shutdown()
        report.add("isolated call of a no-op step", sample, "µs", p50: "≤ 120")
    }
}
