import Testing
import WorkflowEngine
import WorkflowModel

@Suite("Nesting of values in records")
struct NestingTests {
    private static let execution = ExecutionID("01970f00-7a3b-7c4d-8e5f-0123456789ab")

    private static func nested(_ depth: Int) -> JSONValue {
        (0..<depth).reduce(1) { value, level in level.isMultiple(of: 2) ? [value] : ["k": value] }
    }

    private static func wrapped(_ leaf: JSONValue, in depth: Int) -> JSONValue {
        (0..<depth).reduce(leaf) { value, _ in ["k": value] }
    }

    /// Runs the one step `a`, which answers with `value`, and gives every record.
    private static func run(
        with: JSONValue, output: JSONValue, value: JSONValue
    ) throws -> (machine: ExecutionStateMachine, records: [JournalRecord]) {
        var step = StepDefinition(name: "a", action: .call(FunctionName(plugin: "bench", function: "do")))
        step.input = try ValueTemplate(with)
        let definition = WorkflowDefinition(
            name: "deep", deliverableType: "report", steps: [step], output: try ValueTemplate(output))
        let execution = try #require(Self.execution)
        var machine = ExecutionStateMachine(execution: execution, definition: definition)
        let start = StartCommand(execution: execution, revision: 1, inputs: ["v": value], pins: [:])
        var records = machine.start(start, now: TransitionBench.start).records
        let outcome = StepOutcome(result: .completed(output: value.encoded))
        records += machine.finish(path: "a", attempt: 1, outcome, now: TransitionBench.start, random: 0).records
        return (machine, records)
    }

    @Test("whatever is recorded can be read again, its event too", arguments: [0, 1, 20, 40, 59, 62, 63, 199])
    func readBack(_ wrapping: Int) throws {
        let list = String(repeating: "[", count: wrapping) + "inputs.v" + String(repeating: "]", count: wrapping)
        let byInput = Self.wrapped("${{ inputs.v }}", in: wrapping)
        let byStep = Self.wrapped("${{ steps.a.output }}", in: wrapping)
        let byList = JSONValue.string("${{ \(list) }}")
        let pairs: [(JSONValue, JSONValue)] = [
            (byInput, [:]), ([:], byInput), ([:], byStep), (byList, [:]), ([:], byList),
        ]
        for (with, output) in pairs {
            for depth in [1, 2, 5, 24, 25, 43, 44, 45, 62, 63] {
                let (machine, records) = try Self.run(with: with, output: output, value: Self.nested(depth))
                #expect(machine.state.status == (wrapping + depth <= 64 ? .completed : .failed))
                for record in records {
                    #expect(throws: Never.self) { try RecordBody(record) }
                    if let event = record.event { _ = try JSONValue(parsing: event.bytes) }
                }
            }
        }
    }

    @Test("an output that nests too deep ends the execution with expression_error and says so")
    func tooDeep() throws {
        let output = Self.wrapped("${{ inputs.v }}", in: 25)
        let machine = try Self.run(with: [:], output: output, value: Self.nested(60)).machine
        #expect(machine.state.failure?.code == "expression_error")
        #expect(machine.state.failure?.message.contains("nests deeper than 64") == true)
    }

    @Test("a form that the gate's output could not hold is refused", arguments: [(61, true), (62, false)])
    func forms(_ depth: Int, _ isAccepted: Bool) throws {
        let approval = ApprovalDefinition(approvers: ["ann"], form: try JSONSchema([:]))
        var bench = try TransitionBench([StepRow(name: "g", gate: approval)], output: "${{ steps.g.output }}")
        _ = try bench.decide(.start)
        let vote = VoteCommand(voter: .init(name: "ann"), decision: .approve, form: Self.nested(depth))
        _ = try bench.decide(.vote(vote))
        #expect(bench.machine.state.status == (isAccepted ? .completed : .waiting))
        for record in bench.records { #expect(throws: Never.self) { try RecordBody(record) } }
    }
}
