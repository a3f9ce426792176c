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
            case .functionUnavailable, .pluginsLoading, .shuttingDown, .journal: 503
            case .stuck: 500
            }
        let isPassing = status == 429 || status == 503
        // Causes name files and quote SQLite; they are for the log.
        return Problem(
            status, code.rawValue, message,
            headers: isPassing ? [WebHeader("retry-after", "1")] : [])
    }
}

extension JournalError: ProblemConvertible {
    /// Without the message, which names files and quotes SQLite; that is for the log.
    package var problem: Problem { Problem(503, code.rawValue, explanation, headers: [WebHeader("retry-after", "1")]) }

    private var explanation: String {
        switch code {
        case .diskFull: "the journal's disk is full; what was committed is safe"
        case .moved: "the data directory was moved or removed; the server's log says where it was"
        case .locked, .staleLease: "another process has taken the journal over"
        case .corrupt, .newerSchema: "the journal cannot be used; the server's log says why"
        case .closed: "the server shuts down"
        case .unknownOutcome: "whether the change was stored is not known; ask before sending it again"
        case .versionConflict, .idempotencyKeyTaken: "somebody else changed it meanwhile; send the request again"
        case .inputOutput: "the journal cannot be read or written at the moment; the server's log says why"
        }
    }
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
