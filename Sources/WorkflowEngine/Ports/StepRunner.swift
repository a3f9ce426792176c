package import WorkflowModel

/// Runs one attempt of a step somewhere isolated; nothing a step does can throw here.
package protocol StepRunner: Sendable {
    /// Runs the attempt to its verdict. Cancelling the task cancels the call: cancel, grace, kill.
    ///
    /// The deadline begins when a host has the call; the wait for a free host is `queuedMilliseconds`.
    func run(_ call: StepCall) async -> StepOutcome

    /// How far an attempt without a verdict had come when the server's last process ended.
    func trace(of execution: ExecutionID, path: String, attempt: Int) -> AttemptTrace

    /// The verdict that `run` gave is durable: the attempt's trace is not needed any more.
    func recorded(_ call: StepCall)
}

/// What a restart finds of an attempt that has no verdict in the journal.
package enum AttemptTrace: Hashable, Sendable {
    /// No host had it.
    case none
    /// A host had it when the server died.
    case inHost
    /// It had ended, or the server had stopped it.
    case ended
}

/// One attempt as the host gets it.
package struct StepCall: Sendable {
    package var execution: ExecutionID
    package var workflow: String
    /// The step's path; equals its name while definitions are flat.
    package var path: String
    package var function: FunctionName
    /// The plugin's content hash (SHA-256, lower-case hex) the execution is pinned to.
    package var pluginHash: String
    /// From 1.
    package var attempt: Int
    /// UTF-8 JSON.
    package var input: [UInt8]
    package var timeout: Duration
    /// Last heartbeat details of the previous attempt.
    package var checkpoint: [UInt8]

    package init(
        execution: ExecutionID, workflow: String, path: String, function: FunctionName, pluginHash: String,
        attempt: Int, input: [UInt8], timeout: Duration, checkpoint: [UInt8] = []
    ) {
        self.execution = execution
        self.workflow = workflow
        self.path = path
        self.function = function
        self.pluginHash = pluginHash
        self.attempt = attempt
        self.input = input
        self.timeout = timeout
        self.checkpoint = checkpoint
    }

    /// The same for every attempt of one step: `execution_id:step path`.
    package var idempotencyKey: String { "\(execution):\(path)" }
}

/// The verdict on one attempt.
package struct StepOutcome: Hashable, Sendable {
    package enum Result: Hashable, Sendable {
        /// UTF-8 JSON.
        case completed(output: [UInt8])
        case failed(StepError)
    }

    package var result: Result
    /// The highest risk the attempt reported, 0…100; nil when none.
    package var risk: Double?
    /// The host's time of the attempt.
    package var executionMilliseconds: Double
    /// The wait for a free host.
    package var queuedMilliseconds: Double
    /// The last heartbeat details, handed to the next attempt.
    package var checkpoint: [UInt8]

    package init(
        result: Result, risk: Double? = nil, executionMilliseconds: Double = 0, queuedMilliseconds: Double = 0,
        checkpoint: [UInt8] = []
    ) {
        self.result = result
        self.risk = risk
        self.executionMilliseconds = executionMilliseconds
        self.queuedMilliseconds = queuedMilliseconds
        self.checkpoint = checkpoint
    }
}

/// Why an attempt failed; `code` is stable and public, `message` is public.
package struct StepError: Error, Hashable, Sendable {
    package var code: String
    package var message: String
    /// False ends the step whatever its retry policy says.
    package var isRetryable: Bool
    /// The wait the step asked for before the next attempt.
    package var retryAfter: Duration?
    /// Private: the last lines of stderr and the crash stack.
    package var diagnostics: String?

    package init(
        code: String, message: String, isRetryable: Bool = true, retryAfter: Duration? = nil, diagnostics: String? = nil
    ) {
        self.code = code
        self.message = message
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
        self.diagnostics = diagnostics
    }
}

/// Error codes given by the engine and the host; a step may give its own.
package enum StepErrorCode {
    /// The step failed without a code of its own.
    package static let failed = "step_failed"
    /// The input does not fit the function's schema, or an expression of `with` failed.
    package static let invalidInput = "invalid_input"
    /// The input and the checkpoint together do not fit a frame to the step host.
    package static let inputTooLarge = "input_too_large"
    /// The output is not JSON, too large, or not in its range.
    package static let invalidOutput = "invalid_output"
    package static let outputTooLarge = "output_too_large"
    package static let deadline = "deadline"
    package static let heartbeatLost = "heartbeat_lost"
    package static let cancelled = "cancelled"
    /// The server ended before the attempt's completion was recorded; does not consume an attempt.
    package static let interrupted = "interrupted"
    package static let signal = "signal"
    package static let exitedEarly = "exited_early"
    package static let protocolViolation = "protocol_violation"
    /// The step host used more memory, or more of its temporary folder, than it may.
    package static let limitExceeded = "limit_exceeded"
    /// The host was lost for a reason that is not this attempt's; does not consume an attempt, and never ends a step.
    /// Every host runs one call at a time, so there is no neighbour that a call would have to be moved away from.
    package static let hostLost = "host_lost"
    /// The plugin or its pinned build cannot be loaded any more.
    package static let functionUnavailable = "function_unavailable"
    package static let expression = "expression_error"
    /// A gate was not granted.
    package static let approvalRejected = "approval_rejected"
    package static let approvalExpired = "approval_expired"
}
