import FoundationEssentials
import StepKit
import StepKitTesting
import Testing

@testable import Bench

@Suite struct PluginTests {
    private func environment(attempt: Int) -> StepTesting.Environment {
        var environment = StepTesting.Environment()
        environment.attempt = attempt
        return environment
    }

    @Test("noop returns its order of about 100 bytes")
    func noopStep() async throws {
        let order = Order(
            id: "order-000001", customer: "c-4711", quantity: 3, amount: 12.5, note: "before noon, please")
        #expect(try await StepTesting.run(noop, input: order, as: Order.self) == order)
        #expect((80...120).contains(try JSONEncoder().encode(order).count))
    }

    @Test("echo returns any JSON as it was", arguments: ["null", "[1,2.5,\"x\"]", "{\"a\":{\"b\":[]}}"])
    func echoStep(json: String) async throws {
        #expect(try StepValue(json: await StepTesting.record(echo, json: json).output) == StepValue(json: json))
    }

    @Test("fail fails as many attempts as it is told, and all without a number")
    func failStep() async throws {
        let first = await StepTesting.record(fail, json: #"{"times":2}"#, in: environment(attempt: 2))
        #expect(first.failure?.code == "bench_failure" && first.failure?.disposition == .retry())
        let third = await StepTesting.record(fail, json: #"{"times":2}"#, in: environment(attempt: 3))
        #expect(try StepValue(json: third.output) == ["attempt": 3])
        #expect(await StepTesting.record(fail, json: "{}", in: environment(attempt: 99)).failure != nil)
    }

    @Test("sleep ends at once when it is cancelled")
    func sleepStep() async throws {
        let long = Task { await StepTesting.record(sleep, json: #"{"ms":3600000}"#) }
        long.cancel()
        let record = await long.value
        #expect(throws: CancellationError.self) { try record.output }
        #expect(try StepValue(json: await StepTesting.record(sleep, json: #"{"ms":0}"#).output) == ["ms": 0])
        #expect(await StepTesting.record(sleep, json: #"{"ms":-1}"#).failure?.code == "invalid_input")
    }

    @Test("trace appends one line for each attempt, and says so when it cannot write")
    func traceStep() async throws {
        let path = "/tmp/stepstream-bench-\(UUID().uuidString).csv"
        defer { try? FileManager.default.removeItem(atPath: path) }
        for attempt in 1...2 {
            let record = await StepTesting.record(
                trace, json: #"{"path":"\#(path)","ms":0}"#, in: environment(attempt: attempt))
            #expect(try StepValue(json: record.output) == ["line": .string("test:step,\(attempt)")])
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "test:step,1\ntest:step,2\n")
        let failure = await StepTesting.record(trace, json: #"{"path":"/nonexistent/x","ms":0}"#).failure
        #expect(failure?.code == "io_error" && failure?.message.contains("/nonexistent/x") == true)
    }
}
