public import StepKit

let plugin = Plugin(name: "bench", version: "1.0.0", steps: [noop, echo, sleep, fail, trace])

/// About 100 bytes of JSON: what the benchmark's step takes and returns.
struct Order: Codable, Equatable, Sendable {
    var id: String
    var customer: String
    var quantity: Int
    var amount: Double
    var note: String
}

let noop = Step("noop", summary: "Returns the order it was given: what a step costs that does nothing.") {
    (order: Order, _) in order
}

let echo = Step("echo", summary: "Returns its input, whatever JSON that is.") { (input: StepValue, _) in input }

struct Pause: Codable, Sendable {
    /// 0…3,600,000.
    var milliseconds: Int

    enum CodingKeys: String, CodingKey { case milliseconds = "ms" }

    /// Ends early with `CancellationError` when the step is cancelled.
    func sleep() async throws {
        guard (0...3_600_000).contains(milliseconds) else {
            throw StepFailure(.final, code: "invalid_input", message: "ms must be 0…3600000, it is \(milliseconds)")
        }
        try await Task.sleep(for: .milliseconds(milliseconds))
    }
}

let sleep = Step("sleep", summary: "Waits so many milliseconds.") { (pause: Pause, _) in
    try await pause.sleep()
    return pause
}

struct Failing: Codable, Sendable {
    /// Attempts that fail; without it all do.
    var times: Int?
}

struct Survived: Codable, Sendable {
    var attempt: Int
}

let fail = Step("fail", summary: "Fails the first attempts, as many as it is told, then succeeds.") {
    (input: Failing, context) in
    if let times = input.times, context.attempt > times { return Survived(attempt: context.attempt) }
    throw StepFailure(.retry(), code: "bench_failure", message: "attempt \(context.attempt) fails as asked")
}

struct Tracing: Codable, Sendable {
    /// An absolute path; the plugin must be granted to write there.
    var path: String
    var milliseconds: Int

    enum CodingKeys: String, CodingKey {
        case path
        case milliseconds = "ms"
    }
}

struct Traced: Codable, Sendable {
    /// What was appended, without the line end.
    var line: String
}

let trace = Step("trace", summary: "Appends its idempotency key and attempt to a file, then waits.") {
    (input: Tracing, context) in
    let line = "\(context.idempotencyKey),\(context.attempt)"
    try AppendOnlyFile.append(line + "\n", to: input.path)
    try await Pause(milliseconds: input.milliseconds).sleep()
    return Traced(line: line)
}

@c @implementation
public func step_plugin_entry(_: UInt32, _: UInt32) -> UnsafePointer<step_plugin>! {
    Plugin.export(plugin)
}
