package import WebServing
package import WorkflowEngine
package import WorkflowModel

extension OrchestratorError: ProblemConvertible {
    package var problem: Problem {
        let status =
            switch code {
            case .unknownWorkflow, .unknownExecution: 404
            case .invalidInputs, .invalidExecutionID, .idempotencyKeyReused: 422
            case .executionIDConflict, .alreadyEnded: 409
            case .tooManyExecutions: 429
            case .functionUnavailable, .shuttingDown, .journal: 503
            case .stuck: 500
            }
        let isPassing = status == 429 || status == 503
        return Problem(
            status, code.rawValue, cause.map { "\(message) (\($0))" } ?? message,
            headers: isPassing ? [WebHeader("retry-after", "1")] : [])
    }
}

extension JournalError: ProblemConvertible {
    package var problem: Problem { Problem(503, code.rawValue, message, headers: [WebHeader("retry-after", "1")]) }
}

extension DefinitionError: ProblemConvertible {
    package var problem: Problem {
        Problem(
            422, "invalid_definition", "the definition has \(faults.count + faultsOmitted) faults",
            faults: faults.map {
                Problem.Fault(
                    path: $0.path, line: $0.line, column: $0.column, code: $0.code.rawValue, message: $0.message)
            })
    }
}
