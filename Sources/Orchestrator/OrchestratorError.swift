import WorkflowEngine

/// Why the orchestrator refused something; `code` is what HTTP answers carry.
package struct OrchestratorError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case unknownWorkflow = "unknown_workflow"
        case unknownExecution = "unknown_execution"
        case invalidInputs = "invalid_inputs"
        case functionUnavailable = "function_unavailable"
        /// A plugin that is named may be among those still being looked at.
        case pluginsLoading = "plugins_loading"
        case executionIDConflict = "execution_id_conflict"
        case invalidExecutionID = "invalid_execution_id"
        case idempotencyKeyReused = "idempotency_key_reused"
        case tooManyExecutions = "too_many_executions"
        case alreadyEnded = "already_ended"
        case shuttingDown = "shutting_down"
        case journal = "journal_unavailable"
        /// The execution's records or definition cannot be read, and trying again is no use.
        case stuck = "execution_stuck"
    }

    package var code: Code
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// Whether the same call may succeed later without anybody's help.
    var isTransient: Bool {
        guard code == .journal else { return false }
        if let cause = cause as? JournalError { return cause.isRetryable || cause.code == .unknownOutcome }
        return (cause as? OrchestratorError)?.isTransient ?? false
    }

    package var description: String { "\(code.rawValue): \(message)" + (cause.map { " (\($0))" } ?? "") }
}
