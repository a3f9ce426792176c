package import WorkflowEngine
package import WorkflowModel

extension Executions {
    /// Records a vote; returns when it, and what follows of it, is durable.
    ///
    /// Votes on one execution come one after the other, so that one decision wins and the others are told of it.
    /// - Throws: `unknownExecution`, `journal`.
    package func vote(_ command: VoteCommand, on execution: ExecutionID) async throws(OrchestratorError) -> VoteAnswer {
        let slot: ExecutionSlot
        do throws(OrchestratorError) { slot = try await loaded(execution) } catch {
            guard error.code == .alreadyEnded else { throw error }
            return try await answerOfEnded(command, execution)
        }
        let ballot = VoteBallot()
        if case .failure(let error) = await submit(.vote(command, ballot), to: slot) {
            throw OrchestratorError(.journal, "the vote could not be made durable", cause: error)
        }
        // Nil when the execution ended before the vote's turn came.
        if let answer = ballot.answer { return answer }
        return try await answerOfEnded(command, execution)
    }

    /// What an execution that has ended says to a vote: nothing changes any more.
    private func answerOfEnded(
        _ command: VoteCommand, _ execution: ExecutionID
    ) async throws(OrchestratorError) -> VoteAnswer {
        do {
            guard let summary = try await journal.summary(of: execution) else {
                throw OrchestratorError(.unknownExecution, "execution \(execution) is not known")
            }
            var machine = try await replayed(summary)
            return machine.vote(command, now: clock.now).answer
        } catch let error as OrchestratorError { throw error } catch {
            throw OrchestratorError(.journal, "execution \(execution) cannot be read", cause: error)
        }
    }
}
