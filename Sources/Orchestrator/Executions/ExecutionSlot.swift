import WebServing
import WorkflowEngine
import WorkflowModel

/// One open execution in memory; touched only inside the `Executions` actor.
final class ExecutionSlot {
    enum Input {
        case start(StartCommand, summary: ExecutionSummary, idempotency: IdempotencyClaim?)
        case finished(StepCall, StepOutcome)
        case wake
        case cancel(reason: String, requestedBy: String)
        case vote(VoteCommand, VoteBallot)
        case recover
    }

    let execution: ExecutionID
    /// Decides ahead of the journal: what it says may not be durable yet.
    var machine: ExecutionStateMachine
    /// Where the execution stands by what is durable, which is all that callers are told.
    private(set) var standing: Executions.Standing
    /// The row as last journaled; nil before the start.
    var summary: ExecutionSummary?
    /// Inputs wait here while a decision is being committed: one at a time for each execution.
    var inbox: [PendingInput] = []
    var isPumping = false
    /// Attempts that are with the runner, by step path.
    var attempts: [String: Task<Void, Never>] = [:]
    var timer: Task<Void, Never>?
    var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    var waiterCount = 0
    /// Repeats of a start that is not durable yet.
    var startWaiters: [CheckedContinuation<Void, Never>] = []
    /// What the execution's context takes of the budget; given back with the slot.
    var memory: MemoryBudget.Share?
    /// The memory that the inputs take; nil when it was not measured, as for a recovered execution.
    var inputMemoryBytes: Int?
    /// The inputs' part of the state's `contextBytes`.
    var inputContextBytes = 0

    struct PendingInput {
        var input: Input
        /// Called once the input's records are durable, or with why they are not.
        var reply: ((Result<Void, JournalError>) -> Void)?
    }

    init(machine: ExecutionStateMachine, summary: ExecutionSummary? = nil) {
        execution = machine.state.execution
        self.machine = machine
        standing = Executions.Standing(of: machine.state)
        self.summary = summary
    }

    /// What the machine has decided so far is durable.
    func noteDurable() { standing = Executions.Standing(of: machine.state) }

    /// Nothing more comes of the run itself, durably; a release may still wait for its decision.
    var isSettled: Bool { standing.isSettled }

    func resumeStartWaiters() {
        let all = startWaiters
        startWaiters.removeAll()
        for waiter in all { waiter.resume() }
    }

    func resumeWaiters() {
        let all = waiters.values
        waiters.removeAll()
        for waiter in all { waiter.resume() }
    }
}

/// Takes the answer to a vote from the decision to whoever waits; touched only inside the `Executions` actor.
final class VoteBallot {
    var answer: VoteAnswer?
}
