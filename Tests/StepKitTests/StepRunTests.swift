import FoundationEssentials
import StepABI
import StepKit
import StepKitTesting
import Synchronization
import Testing

/// Steps run through the C table.
@Suite struct StepRunTests {
    struct Item: Codable, Equatable { var sku: String; var qty: Int }
    struct Order: Codable { var items: [Item] }

    @Test("a step gets its input and gives its output")
    func output() async throws {
        let step = Step("sum") { (order: Order, _) in order.items.reduce(0) { $0 + $1.qty } }
        let total: Int = try await StepTesting.run(
            step, input: Order(items: [Item(sku: "a", qty: 2), Item(sku: "b", qty: 3)]))
        #expect(total == 5)
    }

    @Test(
        "an input that does not fit fails finally and names the path",
        arguments: [
            (#"{"items":[{"sku":"a","qty":"3"}]}"#, "items[0].qty"),
            (#"{"items":[{"sku":"a"}]}"#, "items[0].qty: missing"),
            (#"{}"#, "items: missing"),
            (#"{"items":"#, "the value"),
        ])
    func invalidInput(json: String, path: String) async {
        let step = Step("sum") { (order: Order, _) in order.items.count }
        let failure = await StepTesting.record(step, json: json).failure
        #expect(failure?.code == "invalid_input")
        #expect(failure?.disposition == .final)
        #expect(failure?.message.contains(path) == true, "\(failure?.message ?? "no failure")")
    }

    @Test("a thrown StepFailure keeps its code, message and waiting time")
    func failures() async {
        let busy = StepFailure(.retry(after: .milliseconds(1500)), code: "busy", message: "later")
        let wrong = StepFailure(.final, code: "wrong", message: "never")
        for failure in [busy, wrong] {
            let step = Step("fail") { (_: Int, _) -> Int in throw failure }
            let record = await StepTesting.record(step, json: "1")
            #expect(record.failure == failure)
            await #expect(throws: failure) { try await StepTesting.run(step, input: 1, as: Int.self) }
        }
    }

    @Test("any other error may be repeated")
    func otherError() async {
        struct Odd: Error {}
        let step = Step("fail") { (_: Int, _) -> Int in throw Odd() }
        let failure = await StepTesting.record(step, json: "1").failure
        #expect(failure?.disposition == .retry(after: nil))
        #expect(failure?.code == "step_error")
        #expect(failure?.message == "Odd()")
    }

    @Test("an output that JSON cannot say fails finally")
    func invalidOutput() async {
        let step = Step("nan") { (_: Int, _) in Double.nan }
        let failure = await StepTesting.record(step, json: "1").failure
        #expect(failure?.code == "invalid_output")
        #expect(failure?.disposition == .final)
    }

    @Test("cancelling reaches the step as task cancellation and ends the call as cancelled")
    func cancellation() async {
        let (started, startedSignal) = AsyncStream.makeStream(of: Void.self)
        let step = Step("wait") { (_: Int, _) -> Int in
            startedSignal.yield()
            try await Task.sleep(for: .seconds(600))
            return 1
        }
        let call = Task { await StepTesting.record(step, json: "1") }
        for await _ in started { break }
        call.cancel()
        let record = await call.value
        #expect(record.status == Int32(STEP_STATUS_CANCELLED))
        #expect(throws: CancellationError.self) { _ = try record.output }
    }

    @Test("a step that finishes all the same after a cancellation counts as done")
    func cancellationIgnored() async throws {
        let (started, startedSignal) = AsyncStream.makeStream(of: Void.self)
        let step = Step("stubborn") { (_: Int, _) -> Bool in
            startedSignal.yield()
            while !Task.isCancelled { await Task.yield() }
            return true
        }
        let call = Task { await StepTesting.record(step, json: "1") }
        for await _ in started { break }
        call.cancel()
        let output = try await call.value.output
        #expect(try StepValue(json: output) == true)
    }

    @Test("a hundred calls at once each get their own answer")
    func concurrency() async throws {
        let step = Step("double") { (number: Int, context) in
            context.log("\(number)")
            await Task.yield()
            return number * 2
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let record = await StepTesting.record(step, json: "\(number)")
                    let output = try StepValue(json: record.output)
                    #expect(output == .integer(Int64(number * 2)))
                    #expect(record.logs.map(\.message) == ["\(number)"])
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("log, progress, risk and heartbeat reach the host")
    func reports() async throws {
        let step = Step("report") { (_: Int, context) in
            context.log("hello", level: .warning, fields: ["n": 1])
            context.progress(0.5, "half")
            context.risk(20)
            context.risk(70.5)
            context.heartbeat(["row": 7])
            context.heartbeat()
            return true
        }
        let record = await StepTesting.record(step, json: "1")
        #expect(record.logs == [.init(level: .warning, message: "hello", fields: #"{"n":1}"#)])
        #expect(record.progress == [.init(fraction: 0.5, note: "half")])
        #expect(record.risks == [20, 70.5])
        #expect(record.heartbeats == [Data(#"{"row":7}"#.utf8), Data()])
        #expect(record.status == Int32(STEP_STATUS_OK))
    }

    @Test("a step sees its attempt, key, deadline and the checkpoint of the attempt before")
    func context() async throws {
        struct Seen: Codable, Equatable {
            var attempt: Int; var key: String; var deadline: Date?; var row: Int?; var name: String
        }
        let step = Step("look") { (_: Int, context) in
            Seen(
                attempt: context.attempt, key: context.idempotencyKey, deadline: context.deadline,
                row: context.checkpoint(as: [String: Int].self)?["row"], name: context.stepName)
        }
        var environment = StepTesting.Environment()
        environment.attempt = 3
        environment.idempotencyKey = "e:s"
        environment.deadline = Date(timeIntervalSince1970: 2_000_000_000)
        environment.checkpoint = Data(#"{"row":7}"#.utf8)
        let seen: Seen = try await StepTesting.run(step, input: 1, in: environment)
        #expect(seen == Seen(attempt: 3, key: "e:s", deadline: environment.deadline, row: 7, name: "look"))
        environment.checkpoint = Data("[]".utf8)
        let other: Seen = try await StepTesting.run(step, input: 1, in: environment)
        #expect(other.row == nil)
    }

    @Test("a granted secret arrives, another is not found")
    func secrets() async throws {
        let step = Step("secret") { (name: String, context) in try await context.secret(name) }
        var environment = StepTesting.Environment()
        environment.secrets = ["token": "s3cret"]
        let secret: String = try await StepTesting.run(step, input: "token", in: environment)
        #expect(secret == "s3cret")
        let failure = await StepTesting.record(step, json: #""other""#, in: environment).failure
        #expect(failure?.code == "secret_not_found")
    }

    @Test("a raw step gets the very bytes and returns its own")
    func raw() async throws {
        let step = Step(raw: "bytes") { bytes, _ in Data("[".utf8) + bytes + Data("]".utf8) }
        let record = await StepTesting.record(step, json: #" {"a":1.50} "#)
        #expect(try record.output == Data(#"[ {"a":1.50} ]"#.utf8))
    }

    @Test("a step on any JSON keeps it")
    func anyJSON() async throws {
        let step = Step("echo") { (value: StepValue, _) in value }
        let json = #"{"a":[1,2.5,"x",null,true],"b":{}}"#
        let record = await StepTesting.record(step, json: json)
        #expect(try record.output == Data(json.utf8))
    }

    @Test("what a step reports after its end is ignored")
    func lateReports() async throws {
        let kept = Mutex<StepContext?>(nil)
        let step = Step("leak") { (_: Int, context) in
            kept.withLock { $0 = context }
            return 1
        }
        let record = await StepTesting.record(step, json: "1")
        let context = try #require(kept.withLock { $0 })
        context.log("late")
        context.risk(99)
        #expect(record.logs.isEmpty && record.risks.isEmpty)
        await #expect(throws: StepFailure.self) { try await context.secret("x") }
    }
}
