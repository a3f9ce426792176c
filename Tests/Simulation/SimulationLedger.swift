import WorkflowEngine
import WorkflowModel

/// What the world outside the process saw: it does not die with it.
struct SimulationLedger {
    /// Starts whose caller was answered.
    var accepted: Set<ExecutionID> = []
    /// Cancel requests whose caller was answered while the execution was open.
    var cancelAnswered: Set<ExecutionID> = []
    /// Votes whose voter was told that they count, by approval.
    private var votes: [String: [VoteCommand]] = [:]
    /// Idempotency keys with a recorded completion.
    private var completed: Set<String> = []
    private var inputs: [String: [UInt8]] = [:]
    private var attempts: [String: Int] = [:]
    /// What outlives the process of the attempts that a host had.
    private var traces: [String: (attempt: Int, trace: AttemptTrace)] = [:]
    /// By step: attempts that a host had when the process died.
    private var deaths: [String: Int] = [:]

    mutating func committed(_ records: [JournalRecord], of execution: ExecutionID) {
        for record in records {
            guard let body = try? RecordBody(record) else { continue }
            if case .attemptCompleted(let body) = body { completed.insert("\(execution):\(body.path)") }
        }
    }

    mutating func counted(_ command: VoteCommand, of approval: String) { votes[approval, default: []].append(command) }

    /// Whether the vote was counted, or may have been: its voter was not answered.
    func knows(_ command: VoteCommand, of approval: String) -> Bool {
        let others = (votes[approval] ?? []).filter { $0.voter == command.voter }
        return others.isEmpty || others.contains { $0.decision == command.decision && $0.comment == command.comment }
    }

    /// A vote that was counted and is not among the events with its comment.
    func missingVote(in events: [EncodedEvent]) -> String? {
        guard let execution = events.first?.executionID.description else { return nil }
        let told = events.filter { $0.type == "approval_vote" }.compactMap { try? JSONValue(parsing: $0.bytes)["data"] }
        for (approval, commands) in votes where approval.hasPrefix(execution) {
            for command in commands {
                let isTold = told.contains {
                    $0["approval_id"]?.stringValue == approval && $0["approver"]?.stringValue == command.voter.name
                        && $0["decision"]?.stringValue == command.decision.rawValue
                        && $0["comment"]?.stringValue == command.comment
                }
                if !isTold { return "the vote of \(command.voter.name) on \(approval) is lost" }
            }
        }
        return nil
    }

    /// Notes that a step runs; gives the promise it breaks, if it does.
    mutating func ran(_ call: StepCall) -> String? {
        let key = call.idempotencyKey
        if completed.contains(key) { return "\(key) runs again although its completion is recorded" }
        if let first = inputs[key], first != call.input { return "\(key) runs with another input than before" }
        if let last = attempts[key], call.attempt <= last { return "attempt \(call.attempt) of \(key) follows \(last)" }
        if call.pluginHash != "hash" { return "\(key) lost its pinned build" }
        inputs[key] = call.input
        attempts[key] = call.attempt
        traces[key] = (call.attempt, .inHost)
        return nil
    }

    mutating func ended(_ call: StepCall) { traces[call.idempotencyKey] = (call.attempt, .ended) }
    mutating func died(with call: StepCall) { deaths[call.idempotencyKey, default: 0] += 1 }

    func trace(of execution: ExecutionID, _ path: String, _ attempt: Int) -> AttemptTrace {
        guard let found = traces["\(execution):\(path)"], found.attempt == attempt else { return .none }
        return found.trace
    }

    /// A step that paid for what the machine did; and how many steps failed as it was their due, having been in a host
    /// at as many deaths of the process as a step is given.
    func blame(in events: [EncodedEvent], interruptionsMax: Int) -> (fault: String?, givenUp: Int) {
        var givenUp = 0
        for event in events where event.type == "step_failed" || event.type == "step_retrying" {
            let data = (try? JSONValue(parsing: event.bytes))?["data"]
            let name = data?["step_name"]?.stringValue ?? ""
            let key = "\(event.executionID):\(name)"
            let attempt = Int(data?["attempt"]?.intValue ?? 0)
            switch (event.type, data?["error_code"]?.stringValue) {
            case ("step_failed", "host_lost"): return ("\(name) failed because hosts were lost", 0)
            case ("step_failed", "interrupted"):
                guard deaths[key, default: 0] >= interruptionsMax else {
                    return ("\(name) failed as interrupted after \(deaths[key, default: 0]) deaths", 0)
                }
                givenUp += 1
            case ("step_retrying", "interrupted"):
                guard attempt <= attempts[key] ?? 0 else { return ("\(name) is interrupted and was in no host", 0) }
            default: break
            }
        }
        return (nil, givenUp)
    }
}

/// What two states must agree on to be the same.
struct StateFingerprint: Equatable {
    private let version: Int
    private let sequence: Int
    private let steps: [StepState]
    private let running: Set<Int>
    private let cursor: Int
    private let finished: Int
    private let completed: Int
    private let cancellation: ExecutionState.Cancellation?
    private let risk: Double
    private let contextBytes: Int
    private let pins: [String: String]
    private let inputs: JSONValue
    private let lastEventAt: Timestamp
    private let status: ExecutionStatus
    private let approvals: [ApprovalState]
    private let startedBy: String?

    init(_ state: ExecutionState) {
        version = state.version
        sequence = state.sequence
        steps = state.steps
        running = state.running
        cursor = state.cursor
        finished = state.finishedCount
        completed = state.completedCount
        cancellation = state.cancellation
        risk = state.reportedRisk
        contextBytes = state.contextBytes
        pins = state.pins
        inputs = state.inputs
        lastEventAt = state.lastEventAt
        status = state.status
        approvals = state.approvals
        startedBy = state.startedBy
    }
}
