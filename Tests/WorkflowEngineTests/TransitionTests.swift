import Testing
import WorkflowEngine
import WorkflowModel

@Suite("The execution's state machine")
struct TransitionTests {
    @Test("a transition", arguments: TransitionRow.table)
    func transition(_ row: TransitionRow) throws {
        var bench = try TransitionBench(row.steps)
        for (time, input) in row.given { _ = try bench.decide(input, at: time) }
        #expect(try bench.lines(row.input.1, at: row.input.0) == row.expected)
    }

    @Test("the wait doubles up to its cap, and the last attempt ends the step")
    func backoff() throws {
        var bench = try TransitionBench([StepRow(name: "a", attemptsMax: 5)])
        _ = try bench.decide(.start)
        for (attempt, due) in [(1, 100), (2, 200), (3, 300), (4, 300)] as [(Int, Int64)] {
            #expect(try bench.lines(.failed("a", attempt)).last == "→ wake at \(due)")
            // Due times count from the failure, which here is always at 0.
            #expect(try bench.lines(.wake, at: due).last == "→ run a#\(attempt + 1)")
        }
        #expect(try bench.lines(.failed("a", 5)).first == "stepFailed a#5 flaky | step_failed")
    }

    /// The pauses after the first nine interruptions in a row, in milliseconds.
    private static let pauses: [Int64] = [0, 0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]

    /// Interrupts attempt after attempt, each as soon as it runs; gives the number of the one that runs then.
    private static func interrupt(
        _ bench: inout TransitionBench, from first: Int = 1, at now: inout Int64
    ) throws -> Int {
        for (attempt, pause) in zip(first..., pauses) {
            let lines = try bench.lines(.restart, at: now)
            let due = now + pause
            #expect(lines.first == "attemptRetrying a#\(attempt) interrupted at \(due) uncounted | step_retrying")
            #expect(lines.last == (pause == 0 ? "→ run a#\(attempt + 1)" : "→ wake at \(due)"))
            now = due
            if pause > 0 { #expect(try bench.lines(.wake, at: now).last == "→ run a#\(attempt + 1)") }
        }
        return first + pauses.count
    }

    @Test("ten interruptions in a row end the step, with growing pauses from the third")
    func interruptions() throws {
        var bench = try TransitionBench([StepRow(name: "a")])
        var now: Int64 = 0
        _ = try bench.decide(.start)
        let last = try Self.interrupt(&bench, at: &now)
        let lines = try bench.lines(.restart, at: now)
        #expect(last == 10 && lines.first == "stepFailed a#10 interrupted uncounted | step_failed")
        #expect(lines.last == "→ end" && bench.machine.state.failure?.code == "interrupted")
    }

    @Test("a verdict of the attempt's own begins the count of interruptions anew")
    func interruptionsReset() throws {
        var bench = try TransitionBench([StepRow(name: "a", attemptsMax: 2)])
        var now: Int64 = 0
        _ = try bench.decide(.start)
        let attempt = try Self.interrupt(&bench, at: &now)
        #expect(bench.machine.state.steps[0].interruptions == 9)
        _ = try bench.decide(.failed("a", attempt), at: now)
        now += 100
        _ = try bench.decide(.wake, at: now)
        #expect(bench.machine.state.steps[0].failures == 1)
        _ = try Self.interrupt(&bench, from: attempt + 1, at: &now)
        #expect(try bench.lines(.restart, at: now).last == "→ end")
    }

    @Test("a step whose host is lost is tried for ever, with growing pauses")
    func hostsLost() throws {
        var bench = try TransitionBench([StepRow(name: "a")])
        _ = try bench.decide(.start)
        var (now, pause): (Int64, Int64) = (0, 100)
        for attempt in 1...30 {
            let lines = try bench.lines(.failed("a", attempt, code: "host_lost"), at: now)
            now += pause
            #expect(
                lines == [
                    "attemptRetrying a#\(attempt) host_lost at \(now) uncounted | step_retrying", "→ wake at \(now)",
                ])
            #expect(try bench.lines(.wake, at: now).last == "→ run a#\(attempt + 1)")
            pause = min(pause * 2, 60_000)
        }
        #expect(bench.machine.state.steps[0].failures == 0 && bench.machine.state.steps[0].interruptions == 0)
    }

    @Test("restarts that no attempt in a host lives through end no step", arguments: [AttemptTrace.none, .ended])
    func restartsWithoutHost(_ trace: AttemptTrace) throws {
        var bench = try TransitionBench([StepRow(name: "a")])
        _ = try bench.decide(.start)
        for count in 1...30 {
            #expect(try bench.lines(.restarted(trace)).last == "→ run a#\(trace == .none ? 1 : count + 1)")
        }
        #expect(bench.machine.state.steps[0].interruptions == 0)
    }

    @Test(
        "a risk outside 0…100 is an invalid output, however many attempts are left",
        arguments: [-0.5, 100.5, .nan, .infinity])
    func riskOutside(_ risk: Double) throws {
        var bench = try TransitionBench([StepRow(name: "a", attemptsMax: 5)])
        _ = try bench.decide(.start)
        #expect(
            try bench.lines(.completed("a", risk: risk)) == [
                "stepFailed a#1 invalid_output | step_failed",
                "executionFailed invalid_output by a | execution_failed final", "→ end",
            ])
    }

    @Test("the risk score is the highest that completed attempts reported, or the definition's")
    func riskScore() throws {
        for (risk, expected) in [(nil, 100.0), ("${{ risk_score / 4.0 }}", 25.0)] as [(String?, Double)] {
            var bench = try TransitionBench([StepRow(name: "a"), StepRow(name: "b")], risk: risk)
            _ = try bench.decide(.start)
            _ = try bench.decide(.completed("a", risk: 100))
            #expect(try bench.lines(.completed("b", risk: 0)).dropLast().last?.contains("risk \(expected) ") == true)
        }
    }

    @Test("a definition's risk outside 0…100 fails the run", arguments: ["${{ 100.5 }}", "${{ 'high' }}"])
    func definitionRisk(_ risk: String) throws {
        var bench = try TransitionBench([StepRow(name: "a")], risk: risk)
        _ = try bench.decide(.start)
        #expect(
            try bench.lines(.completed("a")).dropFirst() == [
                "executionFailed invalid_output by – | execution_failed final", "→ end",
            ])
    }

    @Test("an output expression that fails, fails the run")
    func outputFails() throws {
        var bench = try TransitionBench([StepRow(name: "a")], output: "${{ steps.a.output.none }}")
        _ = try bench.decide(.start)
        #expect(
            try bench.lines(.completed("a")).dropFirst() == [
                "executionFailed expression_error by – | execution_failed final", "→ end",
            ])
    }

    @Test("an output that goes over the execution's context fails its step, one that fits does not")
    func contextLimit() throws {
        let output = "\"" + String(repeating: "x", count: 1_000) + "\""
        var bench = try TransitionBench(
            [StepRow(name: "a"), StepRow(name: "b", attemptsMax: 5)], limits: EngineLimits(contextBytesMax: 2_000))
        _ = try bench.decide(.start)
        #expect(try bench.lines(.completed("a", output: output)).last == "→ run b#1")
        #expect(
            try bench.lines(.completed("b", output: output)).first == "stepFailed b#1 output_too_large | step_failed")
    }

    @Test("every attempt gets the same input, key and build, and the checkpoint of the one before")
    func sameInput() throws {
        var bench = try TransitionBench([StepRow(name: "a", with: "${{ inputs.n }}", attemptsMax: 3)])
        var calls: [StepCall] = []
        func note(_ decision: Decision) { for case .run(let call) in decision.effects { calls.append(call) } }
        note(try bench.decide(.start))
        let error = StepError(code: "flaky", message: "because", retryAfter: .zero)
        let outcome = StepOutcome(result: .failed(error), checkpoint: Array(#"{"row":7}"#.utf8))
        note(try bench.decide(.finish("a", attempt: 1, outcome)))
        note(try bench.decide(.restart))
        #expect(calls.map(\.attempt) == [1, 2, 3])
        #expect(calls.map { String(decoding: $0.input, as: UTF8.self) } == ["5", "5", "5"])
        #expect(Set(calls.map(\.idempotencyKey)) == ["\(bench.execution):a"])
        #expect(Set(calls.map(\.pluginHash)) == ["cafe"])
        #expect(calls.map { String(decoding: $0.checkpoint, as: UTF8.self) } == ["", #"{"row":7}"#, #"{"row":7}"#])
    }

    @Test("a clock set back does not set the events' times back")
    func clockSetBack() throws {
        var bench = try TransitionBench([StepRow(name: "a"), StepRow(name: "b")])
        _ = try bench.decide(.start, at: 1_000)
        _ = try bench.decide(.completed("a"), at: 400)
        _ = try bench.decide(.completed("b"), at: 1_500)
        let times = bench.records.compactMap { $0.event?.time }
        #expect(times == times.sorted() && times.count == 6)
        #expect(times[2] == TransitionBench.start + .milliseconds(1_000))
    }

    @Test("progress is counted as the seed counts it: 29 of 100 is 28")
    func progress() throws {
        var bench = try TransitionBench((1...100).map { StepRow(name: "s\($0)") })
        _ = try bench.decide(.start)
        for number in 1...28 { _ = try bench.decide(.completed("s\(number)")) }
        let event = try #require(try bench.decide(.completed("s29")).records[0].event)
        let json = try JSONValue(parsing: event.bytes)
        #expect(json["progress"]?.intValue == 28 && json["data"]?["progress"]?.intValue == 28)
    }

    @Test("a long message is cut with a mark, and a failed run reports progress 0")
    func failureEvents() throws {
        var bench = try TransitionBench([StepRow(name: "a")], limits: EngineLimits(messageBytesMax: 64))
        _ = try bench.decide(.start)
        let error = StepError(code: "long", message: String(repeating: "ö", count: 100))
        let records = try bench.decide(.finish("a", attempt: 1, StepOutcome(result: .failed(error)))).records
        for event in records.compactMap(\.event) {
            let data = try JSONValue(parsing: event.bytes)["data"]
            let message = try #require(data?["error_message"]?.stringValue)
            #expect(message.utf8.count <= 64 && message.hasPrefix("öö") && message.hasSuffix("(cut)"))
            #expect(data?["progress"]?.intValue == (event.isFinal ? 0 : 100))
        }
    }

    @Test("a record that leaves a gap is refused")
    func gap() throws {
        var bench = try TransitionBench([StepRow(name: "a")])
        _ = try bench.decide(.start)
        var machine = ExecutionStateMachine(execution: bench.execution, definition: bench.definition)
        #expect(throws: RecordError.self) { try machine.apply(bench.records[1]) }
    }
}
