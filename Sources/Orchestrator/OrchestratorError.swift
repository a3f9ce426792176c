/// Why the orchestrator refused something; `code` is what HTTP answers carry.
package struct OrchestratorError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case unknownWorkflow = "unknown_workflow"
        case unknownExecution = "unknown_execution"
        case invalidInputs = "invalid_inputs"
        case functionUnavailable = "function_unavailable"
        case executionIDConflict = "execution_id_conflict"
        case invalidExecutionID = "invalid_execution_id"
        case idempotencyKeyReused = "idempotency_key_reused"
        case tooManyExecutions = "too_many_executions"
        case alreadyEnded = "already_ended"
        case shuttingDown = "shutting_down"
        case journal = "journal_unavailable"
    }

    package var code: Code
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { "\(code.rawValue): \(message)" + (cause.map { " (\($0))" } ?? "") }
}
