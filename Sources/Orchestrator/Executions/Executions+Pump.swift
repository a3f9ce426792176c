import Logging
import WorkflowEngine
import WorkflowModel

extension Executions {
    // MARK: The pump

    func submit(_ input: ExecutionSlot.Input, to slot: ExecutionSlot) async -> Result<Void, JournalError> {
        await withCheckedContinuation { continuation in
            slot.inbox.append(.init(input: input, reply: { continuation.resume(returning: $0) }))
            startPump(slot)
        }
    }

    func post(_ input: ExecutionSlot.Input, to slot: ExecutionSlot) {
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
                slot.noteDurable()
                slot.resumeStartWaiters()
            }
            if case .finished(let call, _) = pending.input { runner.recorded(call) }
            perform(effects, slot)
            account(slot)
            if slot.isSettled { slot.resumeWaiters() }
            pending.reply?(.success(()))
        }
        slot.isPumping = false
        noteIdle()
    }

    private func decide(_ slot: ExecutionSlot, _ input: ExecutionSlot.Input) -> (AppendRequest?, [Effect]) {
        let expected = slot.machine.state.version
        let timerBefore = slot.machine.state.nextTimer
        let approvalsBefore = slot.machine.state.approvals
        let now = clock.now
        var claim: IdempotencyClaim?
        var summary: ExecutionSummary?
        let decision: Decision
        switch input {
        case .start(let command, let row, let idempotency):
            (summary, claim) = (row, idempotency)
            decision = slot.machine.start(command, now: now)
            slot.inputContextBytes = slot.machine.state.contextBytes
        case .finished(let call, let outcome):
            decision = slot.machine.finish(
                path: call.path, attempt: call.attempt, outcome, now: now,
                random: Double.random(in: 0..<1, using: &random))
        case .wake: decision = slot.machine.wake(now: now)
        case .cancel(let reason, let by): decision = slot.machine.cancel(reason: reason, requestedBy: by, now: now)
        case .vote(let command, let ballot):
            let (decided, answer) = slot.machine.vote(command, now: now)
            ballot.answer = answer
            decision = decided
        case .recover:
            let execution = slot.execution
            decision = slot.machine.recover(now: now) {
                runner.trace(of: execution, path: $0, attempt: $1)
            }
        }
        guard !decision.records.isEmpty else { return (nil, decision.effects) }
        let state = slot.machine.state
        if !state.isOpen || state.status != slot.summary?.status ?? .running {
            summary = summary ?? slot.summary
            summary?.status = state.status
            summary?.isOpen = state.isOpen
            if !state.isOpen { summary?.endedAt = state.lastEventAt }
        }
        let timer: AppendRequest.TimerChange =
            state.nextTimer == timerBefore ? .unchanged : state.nextTimer.map { .set($0) } ?? .cleared
        let request = AppendRequest(
            execution: slot.execution, expectedVersion: expected, records: decision.records, summary: summary,
            timer: timer, idempotency: claim, approvals: ApprovalJSON.changed(from: approvalsBefore, to: state))
        return (request, decision.effects)
    }

    /// Appends until the journal has the records: waits while the disk is full, and reads back when the outcome of a
    /// commit is unknown.
    private func commit(_ request: AppendRequest) async -> Result<Void, JournalError> {
        var pause = DoublingPause(from: configuration.appendPause, to: configuration.appendPauseMax)
        var isInDoubt = false
        while true {
            let error: JournalError
            switch await tryCommit(request, isInDoubt: &isInDoubt) {
            case .success: return .success(())
            case .failure(let failure): error = failure
            }
            // A start that the disk refuses is answered at once; an execution that already runs waits for the disk.
            // While it is unknown whether a start is durable, every answer could be wrong, so that one waits, too.
            let isWorthWaiting =
                error.code == .unknownOutcome || (error.isRetryable && (isInDoubt || request.expectedVersion > 0))
            guard isWorthWaiting, !isAbandoned else { return .failure(error) }
            let delay = pause.next()
            logger.error(
                "journal append failed, trying again",
                metadata: ["execution_id": "\(request.execution)", "error": "\(error)", "delay": "\(delay)"])
            try? await Task.sleep(for: delay)
            // The stop's grace ended during the pause, and the journal may be closed by now.
            if isAbandoned { return .failure(error) }
        }
    }

    /// - Parameter isInDoubt: whether an earlier try may have been committed. Then the records are read back first, so
    ///   that they are not appended twice.
    private func tryCommit(_ request: AppendRequest, isInDoubt: inout Bool) async -> Result<Void, JournalError> {
        if isInDoubt {
            do throws(JournalError) {
                if try await isCommitted(request) { return .success(()) }
                isInDoubt = false
            } catch { return .failure(error) }
        }
        let answers = await journal.append([request], lease: lease)
        guard case .failure(let error) = answers.first ?? .failure(JournalError(.closed, "no answer")) else {
            return .success(())
        }
        guard error.code == .unknownOutcome else { return .failure(error) }
        isInDoubt = true
        do throws(JournalError) {
            if try await isCommitted(request) { return .success(()) }
            isInDoubt = false
            return .failure(error)
        } catch { return .failure(error) }
    }

    private func isCommitted(_ request: AppendRequest) async throws(JournalError) -> Bool {
        try await journal.records(of: request.execution, after: request.expectedVersion)
            .starts(with: request.records)
    }

    /// The records of this input are not durable and will not be. The execution is dropped from memory, together with
    /// the decision; the journal still has its last durable state.
    private func giveUp(_ slot: ExecutionSlot, _ pending: ExecutionSlot.PendingInput, _ error: JournalError) {
        slots[slot.execution] = nil
        slot.timer?.cancel()
        for attempt in slot.attempts.values { attempt.cancel() }
        pending.reply?(.failure(error))
        for waiting in slot.inbox { waiting.reply?(.failure(error)) }
        slot.inbox.removeAll()
        slot.resumeWaiters()
        slot.resumeStartWaiters()
        noteIdle()
        let isRefusedStart = slot.summary == nil
        let isFinal = [.staleLease, .corrupt, .moved].contains(error.code)
        guard !isRefusedStart || isFinal, fatal == nil else { return }
        // The server stops while the disk is full, or has stopped waiting: everything resumes at the next start.
        if error.isRetryable || error.code == .unknownOutcome || (isAbandoned && error.code == .closed) { return }
        end(by: error)
    }

    /// The journal takes nothing more from this process, which must stop.
    func end(by error: JournalError) {
        guard fatal == nil else { return }
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
            await finished(call, outcome, of: slot)
        }
    }

    private func finished(_ call: StepCall, _ outcome: StepOutcome, of slot: ExecutionSlot) async {
        // The execution may have been dropped and loaded again since; then its attempt runs anew, under the same
        // number, and this outcome is not that attempt's.
        guard slots[call.execution] === slot else { return }
        slot.attempts[call.path] = nil
        if !isAbandoned {
            slot.inbox.append(.init(input: .finished(call, outcome), reply: nil))
            if Task.isCancelled {
                // `Task.sleep` returns at once in a cancelled task, and a commit may have to wait.
                startPump(slot)
            } else if !slot.isPumping {
                // The attempt's own task runs the pump, which saves starting another task.
                slot.isPumping = true
                await pump(call.execution)
            }
        }
        noteIdle()
    }

    private func end(_ slot: ExecutionSlot) {
        slot.timer?.cancel()
        slots[slot.execution] = nil
        for waiting in slot.inbox { waiting.reply?(.success(())) }
        slot.inbox.removeAll()
        slot.resumeWaiters()
        noteIdle()
    }
}
