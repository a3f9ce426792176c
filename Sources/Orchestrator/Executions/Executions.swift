package import Logging
import Metrics
package import WebServing
package import WorkflowEngine
package import WorkflowModel

/// Runs the open executions: takes inputs, lets the engine decide, commits the decision to the journal, and carries out
/// its effects.
///
/// Each execution makes one decision at a time; many executions run at once, and the journal groups their commits.
/// Steps are started and callers are answered only after the commit, so that nothing happens that a crash would undo.
package actor Executions {
    package struct Configuration: Sendable {
        /// Open executions in memory; beyond it a start is refused.
        package var openMax = 100_000
        /// Memory for the inputs and outputs of executions that run or are queued; beyond it a start is refused.
        package var contextMemoryBytesMax = 48 << 20
        /// How many executions are loaded at once during recovery.
        package var recoveryConcurrencyMax = 64
        /// The first pause before an execution is loaded again after a passing error; it doubles.
        package var recoveryPause = Duration.milliseconds(200)
        package var recoveryPauseMax = Duration.seconds(10)
        /// The first pause before an append that failed is tried again; it doubles.
        package var appendPause = Duration.milliseconds(100)
        package var appendPauseMax = Duration.seconds(5)
        /// How often the wall clock is compared with the monotonic one, and the journal looked for at its place.
        package var clockCheckInterval = Duration.seconds(15)
        /// A wall clock that gained or lost more than this between two comparisons was set by somebody.
        package var clockDriftMax = Duration.seconds(1)
        package var limits = EngineLimits()
        package init() {}
    }

    /// A start from the routes. Everything is checked except what only the journal knows: whether the identifier or the
    /// idempotency key is taken.
    package struct Start: Sendable {
        package var command: StartCommand
        package var definition: WorkflowDefinition
        package var inputsDigest: [UInt8]
        package var idempotency: IdempotencyClaim?
        /// The memory that the inputs take; nil where no budget is kept, as in a `stepstream run` of one execution.
        package var memory: MemoryBudget.Share?

        package init(
            command: StartCommand, definition: WorkflowDefinition, inputsDigest: [UInt8],
            idempotency: IdempotencyClaim?, memory: MemoryBudget.Share? = nil
        ) {
            self.memory = memory
            self.command = command
            self.definition = definition
            self.inputsDigest = inputsDigest
            self.idempotency = idempotency
        }
    }

    /// The status of an execution that callers are told.
    package struct Standing: Sendable {
        package var execution: ExecutionID
        package var status: ExecutionStatus
        package var isOpen: Bool
        package var output: JSONValue?
        package var failure: ExecutionState.Failure?
        /// The approval that waits for a decision.
        package var pendingApproval: ApprovalState?

        var isSettled: Bool { !isOpen || status == .completed }
    }

    let journal: any Journal
    let lease: JournalLease
    let runner: any StepRunner
    let definitions: Definitions
    let clock: any WallClock
    let configuration: Configuration
    let logger: Logger
    let contexts: MemoryBudget
    var random = SystemRandomNumberGenerator()
    var slots: [ExecutionID: ExecutionSlot] = [:]
    var loading: [ExecutionID: Task<Void, any Error>] = [:]
    /// Open executions that could not be loaded because of a passing error, with the error.
    var delayed: [ExecutionID: String] = [:]
    /// Open executions that cannot be loaded, with the reason. Only another release or a repair helps.
    var stuck: [ExecutionID: String] = [:] {
        didSet { stuckGauge.record(stuck.count) }
    }
    var recoveryRetry: Task<Void, Never>?
    private let stuckGauge = Gauge(label: "stepstream_executions_stuck")
    var isStopping = false
    /// Both clocks at their last comparison; nil before the first.
    var clocksCompared: (wall: Timestamp, monotonic: ContinuousClock.Instant)?
    /// The stop's grace has ended. Outcomes that arrive from now on are ignored: attempts were cancelled by the stop.
    var isAbandoned = false
    var idleWaiter: CheckedContinuation<Void, Never>?
    var fatal: JournalError?
    let onFatal: @Sendable (JournalError) -> Void

    /// - Parameter onFatal: called once when the journal refuses this process for good; the process must stop.
    package init(
        journal: any Journal, lease: JournalLease, runner: any StepRunner, definitions: Definitions,
        clock: any WallClock, configuration: Configuration, logger: Logger,
        onFatal: @escaping @Sendable (JournalError) -> Void
    ) {
        self.journal = journal
        self.lease = lease
        self.runner = runner
        self.definitions = definitions
        self.clock = clock
        self.configuration = configuration
        contexts = MemoryBudget(bytesMax: configuration.contextMemoryBytesMax)
        self.logger = logger
        self.onFatal = onFatal
        stuckGauge.record(0)
    }

    package var openCount: Int { slots.count }

    /// Executions that could not be loaded, with the reason: those that are tried again, and those that are not.
    package var left: (delayed: [ExecutionID: String], stuck: [ExecutionID: String]) { (delayed, stuck) }

    // MARK: What callers ask

    /// Makes the start durable, then waits up to `wait` for the end.
    /// - Throws: `tooManyExecutions`, `shuttingDown`, `executionIDConflict`, `idempotencyKeyReused` (the key was taken
    ///   meanwhile: look it up again), `journal`.
    package func start(_ start: Start, wait: Duration?) async throws(OrchestratorError) -> Standing {
        try await admit(start)
        let machine = ExecutionStateMachine(
            execution: start.command.execution, definition: start.definition, limits: configuration.limits)
        let slot = ExecutionSlot(machine: machine)
        (slot.memory, slot.inputMemoryBytes) = (start.memory, start.memory?.byteCount)
        slots[slot.execution] = slot
        let summary = ExecutionSummary(
            execution: slot.execution, workflow: start.definition.name, revision: start.command.revision,
            status: .running, isOpen: true, startedAt: clock.now, endedAt: nil, inputsDigest: start.inputsDigest)
        let input = ExecutionSlot.Input.start(start.command, summary: summary, idempotency: start.idempotency)
        if case .failure(let error) = await submit(input, to: slot) {
            throw Self.refusal(of: start, error)
        }
        if let wait { await awaitEnd(of: slot, atMost: wait) }
        return slot.standing
    }

    private func admit(_ start: Start) async throws(OrchestratorError) {
        // A repeat of a start that is not durable yet waits for it: until then there is no answer to give.
        while let slot = slots[start.command.execution], slot.summary == nil {
            await withCheckedContinuation { slot.startWaiters.append($0) }
        }
        if isStopping {
            throw OrchestratorError(.shuttingDown, "the server is stopping; start again elsewhere or later")
        }
        if let fatal { throw OrchestratorError(.journal, "the journal cannot be written", cause: fatal) }
        guard slots.count < configuration.openMax else {
            throw OrchestratorError(
                .tooManyExecutions, "\(slots.count) executions are open; wait for some to end or raise the limit")
        }
        guard slots[start.command.execution] == nil else {
            throw OrchestratorError(.executionIDConflict, "execution \(start.command.execution) exists")
        }
    }

    private static func refusal(of start: Start, _ error: JournalError) -> OrchestratorError {
        switch error.code {
        case .versionConflict:
            OrchestratorError(.executionIDConflict, "execution \(start.command.execution) exists", cause: error)
        case .idempotencyKeyTaken:
            OrchestratorError(.idempotencyKeyReused, "the idempotency key was used meanwhile", cause: error)
        default: OrchestratorError(.journal, "the start could not be made durable", cause: error)
        }
    }

    /// Records the request and cancels what runs; returns when the request is durable.
    /// - Throws: `alreadyEnded`, `unknownExecution`, `journal`.
    package func cancel(
        _ execution: ExecutionID, reason: String, requestedBy: String
    ) async throws(OrchestratorError) -> Standing {
        let slot = try await loaded(execution)
        guard !slot.isSettled else { throw OrchestratorError(.alreadyEnded, "execution \(execution) has ended") }
        if case .failure(let error) = await submit(.cancel(reason: reason, requestedBy: requestedBy), to: slot) {
            throw OrchestratorError(.journal, "the request could not be made durable", cause: error)
        }
        guard slot.machine.state.cancellation != nil else {
            // The execution's end was decided first, and the request after it changed nothing.
            throw OrchestratorError(.alreadyEnded, "execution \(execution) has ended")
        }
        return slot.standing
    }

    /// Where an open execution stands, after waiting up to `wait` for its end; nil when it is not open here.
    package func standing(of execution: ExecutionID, wait: Duration?) async -> Standing? {
        guard let slot = slots[execution] else { return nil }
        if let wait { await awaitEnd(of: slot, atMost: wait) }
        return slot.standing
    }

    /// Returns early when the caller's task is cancelled.
    private func awaitEnd(of slot: ExecutionSlot, atMost limit: Duration) async {
        guard !slot.isSettled, !isStopping else { return }
        slot.waiterCount += 1
        let id = slot.waiterCount
        let timeout = Task {
            try await Task.sleep(for: limit)
            slotWaitEnded(slot.execution, id)
        }
        let execution = slot.execution
        // The closure names `self`: one that does not leaves the actor, where the slot belongs to nobody.
        await withTaskCancellationHandler {
            await self.suspend(as: id, of: slot)
        } onCancel: {
            Task { await slotWaitEnded(execution, id) }
        }
        timeout.cancel()
    }

    private func suspend(as waiter: Int, of slot: ExecutionSlot) async {
        await withCheckedContinuation { continuation in
            if Task.isCancelled || slot.isSettled || isStopping { return continuation.resume() }
            slot.waiters[waiter] = continuation
        }
    }

    private func slotWaitEnded(_ execution: ExecutionID, _ waiter: Int) {
        slots[execution]?.waiters.removeValue(forKey: waiter)?.resume()
    }
}

extension Executions.Standing {
    init(of state: ExecutionState) {
        self.init(
            execution: state.execution, status: state.status, isOpen: state.isOpen, output: state.output,
            failure: state.failure, pendingApproval: state.pendingApproval)
    }
}
