import Testing
import WorkflowEngine
import WorkflowModel

/// A step as a row of the transition table writes it.
struct StepRow: Sendable {
    var name: String
    var when: String?
    /// A template: text with `${{ }}`.
    var with: String?
    var attemptsMax = 1
    var jitter = RetryPolicy.Jitter.none
    var nonRetryable: [String] = []
    var onFailure = FailurePolicy.fail
    var gate: ApprovalDefinition?

    /// The waits between attempts are 100 ms, 200 ms, then 300 ms.
    func definition() throws(ExpressionError) -> StepDefinition {
        var step = StepDefinition(name: name, action: .call(FunctionName(plugin: "bench", function: "do")))
        if let gate { step.action = .gate(gate) }
        if let when { step.when = try Expression(parsing: when) }
        if let with { step.input = try ValueTemplate(.string(with)) }
        step.retry = RetryPolicy(
            attemptsMax: attemptsMax, initialInterval: .milliseconds(100), multiplier: 2,
            maxInterval: .milliseconds(300), jitter: jitter, nonRetryable: nonRetryable)
        step.onFailure = onFailure
        return step
    }
}

/// What reaches the machine.
enum TransitionInput: Sendable {
    case start
    case finish(String, attempt: Int, StepOutcome, random: Double = 0)
    case wake, cancel, hold
    case vote(VoteCommand)
    /// The process dies: a machine made anew from the records recovers, and finds this of its attempt.
    case restarted(AttemptTrace)

    static let restart = TransitionInput.restarted(.inHost)

    static func completed(
        _ path: String, _ attempt: Int = 1, output: String = "{}", risk: Double? = nil
    ) -> TransitionInput {
        .finish(path, attempt: attempt, StepOutcome(result: .completed(output: Array(output.utf8)), risk: risk))
    }

    static func failed(
        _ path: String, _ attempt: Int = 1, code: String = "flaky", isRetryable: Bool = true,
        retryAfter: Duration? = nil, random: Double = 0
    ) -> TransitionInput {
        let error = StepError(code: code, message: "because", isRetryable: isRetryable, retryAfter: retryAfter)
        return .finish(path, attempt: attempt, StepOutcome(result: .failed(error)), random: random)
    }
}

/// Drives one machine and writes its decisions as lines: `kind step#attempt details | event` and `→ effect`.
struct TransitionBench {
    static let start = Timestamp(microseconds: 1_767_600_000_000_000)

    let definition: WorkflowDefinition
    let limits: EngineLimits
    let execution: ExecutionID
    private(set) var machine: ExecutionStateMachine
    private(set) var records: [JournalRecord] = []
    /// To the last vote.
    private(set) var answer: VoteAnswer?

    init(
        _ steps: [StepRow], risk: String? = nil, output: String? = nil, release: ReleaseDefinition? = nil,
        limits: EngineLimits = EngineLimits()
    ) throws {
        var random = SystemRandomNumberGenerator()
        execution = ExecutionID(at: Self.start, using: &random)
        definition = WorkflowDefinition(
            name: "bench", deliverableType: "report", steps: try steps.map { try $0.definition() },
            risk: try risk.map { try ValueTemplate(.string($0)) },
            output: try output.map { try ValueTemplate(.string($0)) }, release: release)
        self.limits = limits
        machine = ExecutionStateMachine(execution: execution, definition: definition, limits: limits)
    }

    /// The decision on an input that comes the given time after the start.
    mutating func decide(_ input: TransitionInput, at milliseconds: Int64 = 0) throws -> Decision {
        let now = Self.start + .milliseconds(milliseconds)
        let decision =
            switch input {
            case .start:
                machine.start(
                    StartCommand(
                        execution: execution, revision: 3, inputs: ["n": 5], pins: ["bench": "cafe"],
                        traceparent: "00-trace", startedBy: "starter"),
                    now: now)
            case .finish(let path, let attempt, let outcome, let random):
                machine.finish(path: path, attempt: attempt, outcome, now: now, random: random)
            case .wake: machine.wake(now: now)
            case .cancel: machine.cancel(reason: "no need", requestedBy: "ann", now: now)
            case .vote(let command): vote(command, now: now)
            case .hold: hold()
            case .restarted(let trace): try restart(trace, now: now)
            }
        #expect(
            decision.records.map(\.version) == Array(records.count + 1..<records.count + 1 + decision.records.count))
        records += decision.records
        return decision
    }

    mutating func lines(_ input: TransitionInput, at milliseconds: Int64 = 0) throws -> [String] {
        try Self.lines(decide(input, at: milliseconds))
    }

    private mutating func vote(_ command: VoteCommand, now: Timestamp) -> Decision {
        let (decision, answer) = machine.vote(command, now: now)
        self.answer = answer
        return decision
    }

    private mutating func hold() -> Decision {
        machine.isHeld = true
        return Decision()
    }

    private mutating func restart(_ trace: AttemptTrace, now: Timestamp) throws -> Decision {
        machine = ExecutionStateMachine(execution: execution, definition: definition, limits: limits)
        for record in records { try machine.apply(record) }
        return machine.recover(now: now) { _, _ in trace }
    }

    // MARK: Writing

    static func lines(_ decision: Decision) throws -> [String] {
        try decision.records.map(line) + decision.effects.map(line)
    }

    private static func line(_ record: JournalRecord) throws -> String {
        let body = try RecordBody(record)
        let event = record.event.map { $0.type + ($0.isFinal ? " final" : "") } ?? "–"
        return "\(body.kind)\(details(body)) | \(event)"
    }

    private static func details(_ body: RecordBody) -> String {
        switch body {
        case .attemptStarted(let body): " \(body.path)#\(body.attempt)"
        case .attemptCompleted(let body): " \(body.path)#\(body.attempt)"
        case .attemptRetrying(let body), .stepFailed(let body):
            " \(body.path)#\(body.attempt) \(body.code)" + (body.nextAttemptAt.map { " at \(offset($0))" } ?? "")
                + (body.countsAs == .failure ? "" : " uncounted")
        case .stepSkipped(let path, _): " \(path)"
        case .executionCompleted(_, let risk): " risk \(risk)"
        case .executionFailed(let code, _, let step): " \(code) by \(step ?? "–")"
        case .approvalRequested(let body): " " + (body.path ?? "release")
        case .approvalVoted(let body): " \(body.approver) \(body.decision)"
        case .approvalNotified(let body): " \(body.stage)"
        case .approvalDecided(let body): " \(body.status) by \(body.decidedBy ?? "–") \(body.policy)"
        case .started, .cancelRequested, .executionCancelled: ""
        }
    }

    private static func line(_ effect: Effect) -> String {
        switch effect {
        case .run(let call): "→ run \(call.path)#\(call.attempt)"
        case .cancel(let path, let attempt): "→ cancel \(path)#\(attempt)"
        case .wake(let time): "→ wake at \(offset(time))"
        case .end: "→ end"
        }
    }

    /// Milliseconds after the start.
    private static func offset(_ time: Timestamp) -> Int64 { (time - start).microseconds / 1_000 }
}
