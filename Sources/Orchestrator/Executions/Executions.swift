package import Logging
package import WorkflowEngine
package import WorkflowModel

/// Runs the open executions: takes inputs, lets the engine decide, makes it durable, carries out the effects.
///
/// One decision at a time for each execution, many executions at once; the journal groups their commits. Effects and
/// answers follow the commit, never precede it.
package actor Executions {
    package struct Configuration: Sendable {
        /// Open executions in memory; beyond it a start is refused.
        package var openMax = 100_000
        /// Executions taken up at once during recovery.
        package var recoveryConcurrencyMax = 64
        package var limits = EngineLimits()
        package init() {}
    }

    /// A start as the routes hand it in: everything checked but what the journal decides.
    package struct Start: Sendable {
        package var command: StartCommand
        package var definition: WorkflowDefinition
        package var inputsDigest: [UInt8]
        package var idempotency: IdempotencyClaim?

        package init(
            command: StartCommand, definition: WorkflowDefinition, inputsDigest: [UInt8],
            idempotency: IdempotencyClaim?
        ) {
            self.command = command
            self.definition = definition
            self.inputsDigest = inputsDigest
            self.idempotency = idempotency
        }
    }

    /// Where an execution stands when a caller stops waiting for it.
    package struct Standing: Sendable {
        package var execution: ExecutionID
        package var status: ExecutionStatus
        package var isOpen: Bool
        package var output: JSONValue?
        package var failure: ExecutionState.Failure?
    }

    private let journal: any Journal
    private let lease: JournalLease
    private let runner: any StepRunner
    private let definitions: Definitions
    private let clock: any WallClock
    private let configuration: Configuration
    private let logger: Logger
    private var random = SystemRandomNumberGenerator()
    private var slots: [ExecutionID: ExecutionSlot] = [:]
    private var loading: [ExecutionID: Task<Void, any Error>] = [:]
    private var isStopping = false
    /// Outcomes that arrive after the grace are not the attempt's own.
    private var isAbandoned = false
    private var idleWaiter: CheckedContinuation<Void, Never>?
    private var fatal: JournalError?
    private let onFatal: @Sendable (JournalError) -> Void

    /// - Parameter onFatal: called once when the journal refuses this process for good; it must stop.
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
        self.logger = logger
        self.onFatal = onFatal
    }

    package var openCount: Int { slots.count }

    // MARK: What callers ask

    /// Makes the start durable, then waits up to `wait` for the end.
    /// - Throws: `tooManyExecutions`, `shuttingDown`, `executionIDConflict`, `idempotencyKeyReused` (the key was taken
    ///   meanwhile: look it up again), `journal`.
    package func start(_ start: Start, wait: Duration?) async throws(OrchestratorError) -> Standing {
        try admit(start)
        let machine = ExecutionStateMachine(
            execution: start.command.execution, definition: start.definition, limits: configuration.limits)
        let slot = ExecutionSlot(machine: machine)
        slots[slot.execution] = slot
        let summary = ExecutionSummary(
            execution: slot.execution, workflow: start.definition.name, revision: start.command.revision,
            status: .running, isOpen: true, startedAt: clock.now, endedAt: nil, inputsDigest: start.inputsDigest)
        let input = ExecutionSlot.Input.start(start.command, summary: summary, idempotency: start.idempotency)
        if case .failure(let error) = await submit(input, to: slot) {
            throw Self.refusal(of: start, error)
        }
        if let wait { await awaitEnd(of: slot, atMost: wait) }
        return standing(of: slot)
    }

    private func admit(_ start: Start) throws(OrchestratorError) {
        if isStopping { throw OrchestratorError(.shuttingDown, "the server is stopping; start again elsewhere or later") }
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
        guard !slot.isEnded else { throw OrchestratorError(.alreadyEnded, "execution \(execution) has ended") }
        if case .failure(let error) = await submit(.cancel(reason: reason, requestedBy: requestedBy), to: slot) {
            throw OrchestratorError(.journal, "the request could not be made durable", cause: error)
        }
        return standing(of: slot)
    }

    /// Where an open execution stands, after waiting up to `wait` for its end; nil when it is not open here.
    package func standing(of execution: ExecutionID, wait: Duration?) async -> Standing? {
        guard let slot = slots[execution] else { return nil }
        if let wait { await awaitEnd(of: slot, atMost: wait) }
        return standing(of: slot)
    }

    private func standing(of slot: ExecutionSlot) -> Standing {
        let state = slot.machine.state
        return Standing(
            execution: slot.execution, status: state.status, isOpen: state.isOpen, output: state.output,
            failure: state.failure)
    }

    private func awaitEnd(of slot: ExecutionSlot, atMost limit: Duration) async {
        guard !slot.isEnded, !isStopping else { return }
        slot.waiterCount += 1
        let id = slot.waiterCount
        let timeout = Task {
            try await Task.sleep(for: limit)
            slotWaitEnded(slot.execution, id)
        }
        await withCheckedContinuation { slot.waiters[id] = $0 }
        timeout.cancel()
    }

    private func slotWaitEnded(_ execution: ExecutionID, _ waiter: Int) {
        slots[execution]?.waiters.removeValue(forKey: waiter)?.resume()
    }

    // MARK: The pump

    private func submit(_ input: ExecutionSlot.Input, to slot: ExecutionSlot) async -> Result<Void, JournalError> {
        await withCheckedContinuation { continuation in
            slot.inbox.append(.init(input: input, reply: { continuation.resume(returning: $0) }))
            startPump(slot)
        }
    }

    private func post(_ input: ExecutionSlot.Input, to slot: ExecutionSlot) {
        slot.inbox.append(.init(input: input, reply: nil))
        startPump(slot)
    }

    private func startPump(_ slot: ExecutionSlot) {
        guard !slot.isPumping else { return }
        slot.isPumping = true
        Task { await pump(slot.execution) }
    }

    private func pump(_ execution: ExecutionID) async {
        guard let slot = slots[execution] else { return }
        while !slot.inbox.isEmpty {
            let pending = slot.inbox.removeFirst()
            let (request, effects) = decide(slot, pending.input)
            if let request {
                let result = await commit(request)
                if case .failure(let error) = result {
                    giveUp(slot, pending, error)
                    return
                }
                slot.summary = request.summary ?? slot.summary
            }
            perform(effects, slot)
            pending.reply?(.success(()))
        }
        slot.isPumping = false
    }

    private func decide(_ slot: ExecutionSlot, _ input: ExecutionSlot.Input) -> (AppendRequest?, [Effect]) {
        let expected = slot.machine.state.version
        let timerBefore = slot.machine.state.nextTimer
        let now = clock.now
        var claim: IdempotencyClaim?
        var summary: ExecutionSummary?
        let decision: Decision
        switch input {
        case .start(let command, let row, let idempotency):
            (summary, claim) = (row, idempotency)
            decision = slot.machine.start(command, now: now)
        case .finished(let path, let attempt, let outcome):
            decision = slot.machine.finish(
                path: path, attempt: attempt, outcome, now: now, random: Double.random(in: 0..<1, using: &random))
        case .wake: decision = slot.machine.wake(now: now)
        case .cancel(let reason, let by): decision = slot.machine.cancel(reason: reason, requestedBy: by, now: now)
        case .recover: decision = slot.machine.recover(now: now)
        }
        guard !decision.records.isEmpty else { return (nil, decision.effects) }
        let state = slot.machine.state
        if !state.isOpen {
            summary = summary ?? slot.summary
            summary?.status = state.status
            summary?.isOpen = false
            summary?.endedAt = state.lastEventAt
        }
        let timer: AppendRequest.TimerChange =
            state.nextTimer == timerBefore ? .unchanged : state.nextTimer.map { .set($0) } ?? .cleared
        let request = AppendRequest(
            execution: slot.execution, expectedVersion: expected, records: decision.records, summary: summary,
            timer: timer, idempotency: claim)
        return (request, decision.effects)
    }

    /// Appends until the journal has it: waits out a full disk, reads back an unknown outcome.
    private func commit(_ request: AppendRequest) async -> Result<Void, JournalError> {
        var delay = Duration.milliseconds(100)
        while true {
            let result = await journal.append([request], lease: lease).first ?? .failure(JournalError(.closed, "no answer"))
            guard case .failure(let error) = result else { return .success(()) }
            if error.code == .unknownOutcome {
                switch await isCommitted(request) {
                case .success(true): return .success(())
                case .success(false): continue
                case .failure(let error): return .failure(error)
                }
            }
            // A start is answered at once; what already runs waits for the disk.
            guard error.isRetryable, request.expectedVersion > 0, !isAbandoned else { return .failure(error) }
            logger.error(
                "journal append failed, trying again",
                metadata: ["execution_id": "\(request.execution)", "error": "\(error)", "delay": "\(delay)"])
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, .seconds(5))
        }
    }

    private func isCommitted(_ request: AppendRequest) async -> Result<Bool, JournalError> {
        do {
            let records = try await journal.records(of: request.execution, after: request.expectedVersion)
            return .success(records.starts(with: request.records))
        } catch { return .failure(error) }
    }

    /// The input's records are not durable and will not be: what was decided on them is forgotten.
    private func giveUp(_ slot: ExecutionSlot, _ pending: ExecutionSlot.PendingInput, _ error: JournalError) {
        slots[slot.execution] = nil
        slot.timer?.cancel()
        for attempt in slot.attempts.values { attempt.cancel() }
        pending.reply?(.failure(error))
        for waiting in slot.inbox { waiting.reply?(.failure(error)) }
        slot.inbox.removeAll()
        slot.resumeWaiters()
        noteIdle()
        let isRefusedStart = slot.summary == nil
        guard !isRefusedStart || error.code == .staleLease || error.code == .corrupt, fatal == nil else { return }
        fatal = error
        logger.critical("the journal refuses this process", metadata: ["error": "\(error)"])
        onFatal(error)
    }

    // MARK: Effects

    private func perform(_ effects: [Effect], _ slot: ExecutionSlot) {
        for effect in effects {
            switch effect {
            case .run(let call): run(call, slot)
            case .cancel(let path, _): slot.attempts[path]?.cancel()
            case .wake(let at): setTimer(at, slot)
            case .end: end(slot)
            }
        }
    }

    private func run(_ call: StepCall, _ slot: ExecutionSlot) {
        slot.attempts[call.path] = Task { [runner] in
            let outcome = await runner.run(call)
            finished(call, outcome)
        }
    }

    private func finished(_ call: StepCall, _ outcome: StepOutcome) {
        guard let slot = slots[call.execution] else { return }
        slot.attempts[call.path] = nil
        if !isAbandoned {
            post(.finished(path: call.path, attempt: call.attempt, outcome), to: slot)
        }
        noteIdle()
    }

    private func setTimer(_ at: Timestamp, _ slot: ExecutionSlot) {
        slot.timer?.cancel()
        let execution = slot.execution
        let delay = max(at - clock.now, .zero)
        slot.timer = Task {
            do { try await Task.sleep(for: delay) } catch { return }
            if let slot = slots[execution] { post(.wake, to: slot) }
        }
    }

    private func end(_ slot: ExecutionSlot) {
        slot.timer?.cancel()
        slots[slot.execution] = nil
        for waiting in slot.inbox { waiting.reply?(.success(())) }
        slot.inbox.removeAll()
        slot.resumeWaiters()
        noteIdle()
    }

    // MARK: Recovery

    /// Takes up every open execution of the shard; a start or a cancel meanwhile is no trouble.
    /// - Returns: how many were taken up.
    package func recover() async throws -> Int {
        var last: ExecutionID?
        var count = 0
        while !isStopping {
            let page = try await journal.open(shard: lease.shard, after: last, limit: 1_000)
            guard let end = page.last else { break }
            last = end
            count += page.count
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, execution) in page.enumerated() {
                    if index >= configuration.recoveryConcurrencyMax { try await group.next() }
                    group.addTask { try await self.takeUp(execution) }
                }
                try await group.waitForAll()
            }
        }
        return count
    }

    private func takeUp(_ execution: ExecutionID) async throws {
        guard !isStopping, slots[execution] == nil else { return }
        do { _ = try await loaded(execution) } catch {
            // One damaged execution must not keep the others from going on.
            logger.error("execution cannot be recovered", metadata: ["execution_id": "\(execution)", "error": "\(error)"])
        }
    }

    private func loaded(_ execution: ExecutionID) async throws(OrchestratorError) -> ExecutionSlot {
        if let slot = slots[execution] { return slot }
        let task = loading[execution] ?? Task { try await load(execution) }
        loading[execution] = task
        defer { loading[execution] = nil }
        do { try await task.value } catch let error as OrchestratorError { throw error } catch {
            throw OrchestratorError(.journal, "execution \(execution) cannot be read", cause: error)
        }
        guard let slot = slots[execution] else {
            throw OrchestratorError(.alreadyEnded, "execution \(execution) has ended")
        }
        return slot
    }

    private func load(_ execution: ExecutionID) async throws {
        guard let summary = try await journal.summary(of: execution) else {
            throw OrchestratorError(.unknownExecution, "execution \(execution) is not known")
        }
        guard summary.isOpen else { throw OrchestratorError(.alreadyEnded, "execution \(execution) has ended") }
        let definition = try await definitions.definition(named: summary.workflow, revision: summary.revision)
        var machine = ExecutionStateMachine(
            execution: execution, definition: definition.definition, limits: configuration.limits)
        for record in try await journal.records(of: execution, after: 0) { try machine.apply(record) }
        guard slots[execution] == nil, machine.state.isOpen else { return }
        machine.isHeld = isStopping
        let slot = ExecutionSlot(machine: machine, summary: summary)
        slots[execution] = slot
        if case .failure(let error) = await submit(.recover, to: slot) { throw error }
    }

    // MARK: The stop

    /// Starts nothing new, waits up to `grace` for what runs, then lets go; everything resumes at the next start.
    package func stop(grace: Duration) async {
        guard !isStopping else { return }
        isStopping = true
        for slot in slots.values {
            slot.machine.isHeld = true
            slot.timer?.cancel()
            slot.resumeWaiters()
        }
        let deadline = Task {
            do { try await Task.sleep(for: grace) } catch { return }
            graceEnded()
        }
        await awaitIdle()
        deadline.cancel()
        isAbandoned = true
        let attempts = slots.values.flatMap { $0.attempts.values }
        for attempt in attempts { attempt.cancel() }
        for attempt in attempts { await attempt.value }
    }

    private func graceEnded() {
        isAbandoned = true
        idleWaiter?.resume()
        idleWaiter = nil
    }

    private var isIdle: Bool { slots.values.allSatisfy { $0.attempts.isEmpty && !$0.isPumping } }

    private func awaitIdle() async {
        while !isIdle, !isAbandoned { await withCheckedContinuation { idleWaiter = $0 } }
    }

    private func noteIdle() {
        guard isStopping else { return }
        idleWaiter?.resume()
        idleWaiter = nil
    }
}
