import Logging
import WorkflowEngine
import WorkflowModel

extension Executions {
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
            logger.error(
                "execution cannot be recovered", metadata: ["execution_id": "\(execution)", "error": "\(error)"])
        }
    }

    func loaded(_ execution: ExecutionID) async throws(OrchestratorError) -> ExecutionSlot {
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

    func noteIdle() {
        guard isStopping else { return }
        idleWaiter?.resume()
        idleWaiter = nil
    }
}
