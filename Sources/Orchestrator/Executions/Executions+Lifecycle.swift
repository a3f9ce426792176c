import Logging
package import WorkflowEngine
import WorkflowModel

extension Executions {
    // MARK: Recovery

    /// Loads every open execution of the shard and continues it. Starts and cancellations may come meanwhile.
    ///
    /// An execution that cannot be loaded because of a passing error is tried again for as long as the process lives;
    /// one that cannot be read at all is marked as stuck. The others go on in either case.
    /// - Returns: how many executions were open.
    package func recover() async throws(JournalError) -> Int {
        var last: ExecutionID?
        var count = 0
        while !isStopping {
            let page = try await openPage(after: last)
            guard let end = page.last else { break }
            last = end
            count += page.count
            await withTaskGroup(of: Void.self) { group in
                for (index, execution) in page.enumerated() {
                    if index >= configuration.recoveryConcurrencyMax { await group.next() }
                    group.addTask { await self.takeUp(execution) }
                }
            }
        }
        return count
    }

    private func openPage(after last: ExecutionID?) async throws(JournalError) -> [ExecutionID] {
        var pause = recoveryPause
        while true {
            do throws(JournalError) {
                return try await journal.open(shard: lease.shard, after: last, limit: 1_000)
            } catch {
                guard error.isRetryable, !isStopping else { throw error }
                logger.error("open executions cannot be listed, trying again", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: pause.next())
        }
    }

    private var recoveryPause: DoublingPause {
        DoublingPause(from: configuration.recoveryPause, to: configuration.recoveryPauseMax)
    }

    private func takeUp(_ execution: ExecutionID) async {
        guard !isStopping, slots[execution] == nil else { return }
        do throws(OrchestratorError) { _ = try await loaded(execution) } catch {
            guard error.isTransient, !isStopping else { return }
            if delayed.updateValue("\(error)", forKey: execution) == nil {
                logger.error(
                    "execution cannot be taken up yet, trying again",
                    metadata: ["execution_id": "\(execution)", "error": "\(error)"])
            }
            if recoveryRetry == nil { recoveryRetry = Task { await takeUpDelayed() } }
        }
    }

    private func takeUpDelayed() async {
        var pause = recoveryPause
        while !delayed.isEmpty, !isStopping, !Task.isCancelled {
            do { try await Task.sleep(for: pause.next()) } catch { break }
            let before = delayed.count
            for execution in delayed.keys.sorted() where !isStopping { await takeUp(execution) }
            if delayed.count < before { pause.reset() }
        }
        recoveryRetry = nil
    }

    func loaded(_ execution: ExecutionID) async throws(OrchestratorError) -> ExecutionSlot {
        if let slot = slots[execution] { return slot }
        let task = loading[execution] ?? startLoading(execution)
        do { try await task.value } catch { throw refused(execution, error) }
        delayed[execution] = nil
        stuck[execution] = nil
        guard let slot = slots[execution] else {
            throw OrchestratorError(.alreadyEnded, "execution \(execution) has ended")
        }
        return slot
    }

    /// Callers that ask for the execution before it is loaded share this task. It removes itself from `loading`.
    private func startLoading(_ execution: ExecutionID) -> Task<Void, any Error> {
        let task = Task {
            defer { loading[execution] = nil }
            try await load(execution)
        }
        loading[execution] = task
        return task
    }

    /// The error for callers when an execution cannot be loaded. Marks the execution as stuck if another try cannot
    /// help.
    private func refused(_ execution: ExecutionID, _ error: any Error) -> OrchestratorError {
        let known = error as? OrchestratorError
            ?? OrchestratorError(.journal, "execution \(execution) cannot be read", cause: error)
        let isAnswer = [.unknownExecution, .alreadyEnded].contains(known.code)
        // The journal refuses this process; nothing is wrong with the execution.
        let isRefusal = (known.cause as? JournalError).map { [.closed, .staleLease, .moved].contains($0.code) } ?? false
        if isAnswer || isRefusal || known.isTransient { return known }
        delayed[execution] = nil
        if stuck.updateValue(configuration.limits.cut("\(known)"), forKey: execution) == nil {
            logger.error(
                "execution is stuck: it cannot be taken up",
                metadata: ["execution_id": "\(execution)", "error": "\(known)"])
        }
        return OrchestratorError(.stuck, "execution \(execution) is stuck: it cannot be taken up", cause: known)
    }

    private func load(_ execution: ExecutionID) async throws {
        guard let summary = try await journal.summary(of: execution) else {
            throw OrchestratorError(.unknownExecution, "execution \(execution) is not known")
        }
        guard summary.isOpen else { throw OrchestratorError(.alreadyEnded, "execution \(execution) has ended") }
        var machine = try await replayed(summary)
        guard slots[execution] == nil, machine.state.isOpen else { return }
        machine.isHeld = isStopping
        let slot = ExecutionSlot(machine: machine, summary: summary)
        slots[execution] = slot
        if case .failure(let error) = await submit(.recover, to: slot) { throw error }
    }

    func replayed(_ summary: ExecutionSummary) async throws -> ExecutionStateMachine {
        let definition = try await definitions.definition(named: summary.workflow, revision: summary.revision)
        var machine = ExecutionStateMachine(
            execution: summary.execution, definition: definition.definition, limits: configuration.limits)
        for record in try await journal.records(of: summary.execution, after: 0) { try machine.apply(record) }
        return machine
    }

    // MARK: The stop

    /// Starts nothing new, waits up to `grace` for running attempts and commits, then cancels the attempts. Everything
    /// resumes at the next start.
    package func stop(grace: Duration) async {
        guard !isStopping else { return }
        isStopping = true
        recoveryRetry?.cancel()
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

    func noteIdle() {
        guard isStopping else { return }
        idleWaiter?.resume()
        idleWaiter = nil
    }
}
