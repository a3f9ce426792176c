package import WorkflowModel

/// What a reader is told of one execution: made from its records, with every attempt.
package struct ExecutionReport: Sendable {
    package struct Attempt: Hashable, Sendable {
        package var attempt: Int
        package var startedAt: Timestamp
        package var endedAt: Timestamp?
        /// `running`, `completed` or `failed`.
        package var status: StepStatus
        package var executionMilliseconds: Double?
        package var queuedMilliseconds: Double?
        package var errorCode: String?
        package var errorMessage: String?
        /// The last lines of stderr and the crash stack.
        package var diagnostics: String?
    }

    package struct Step: Sendable {
        package var number: Int
        package var name: String
        /// `plugin.function`, or `approval` for a gate.
        package var function: String
        package var status: StepStatus
        package var input: JSONValue?
        package var output: JSONValue?
        package var skipReason: String?
        package var nextAttemptAt: Timestamp?
        package var attempts: [Attempt]
    }

    package var execution: ExecutionID
    package var workflow: String
    package var revision: Int
    package var status: ExecutionStatus
    package var isOpen: Bool
    package var progress: Int
    package var startedAt: Timestamp
    package var endedAt: Timestamp?
    package var inputs: JSONValue
    package var output: JSONValue?
    package var riskScore: Double
    package var errorCode: String?
    package var errorMessage: String?
    package var failedStep: String?
    /// Set while a cancel request waits for the running attempt.
    package var isCancelRequested: Bool
    package var pins: [String: String]
    package var steps: [Step]
    package var approvals: [ApprovalState]
    package var startedBy: String?

    /// - Throws: `RecordError` when the records are not a gapless prefix of the execution's.
    package init(
        execution: ExecutionID, definition: WorkflowDefinition, records: [JournalRecord]
    ) throws(RecordError) {
        var state = ExecutionState(execution: execution, definition: definition)
        var report = ReportBuilder(definition: definition)
        for record in records {
            let body = try RecordBody(record)
            try state.apply(body, version: record.version, event: record.event, payloadBytes: record.payload.count)
            report.take(body, state: state)
        }
        self.execution = execution
        workflow = definition.name
        revision = state.revision
        status = state.status
        isOpen = state.isOpen
        progress = state.status == .completed ? 100 : state.progress
        startedAt = state.startedAt
        endedAt = state.isOpen ? nil : state.lastEventAt
        inputs = state.inputs
        output = report.output
        riskScore = report.risk ?? state.reportedRisk
        errorCode = report.errorCode
        errorMessage = report.errorMessage
        failedStep = report.failedStep
        isCancelRequested = state.isOpen && state.cancellation != nil
        pins = state.pins
        steps = report.steps
        approvals = state.approvals
        startedBy = state.startedBy
        for index in steps.indices {
            steps[index].status = state.steps[index].status
            steps[index].nextAttemptAt = state.steps[index].nextAttemptAt
        }
    }
}

/// Collects what the state does not keep.
private struct ReportBuilder {
    var steps: [ExecutionReport.Step]
    var output: JSONValue?
    var risk: Double?
    var errorCode: String?
    var errorMessage: String?
    var failedStep: String?

    init(definition: WorkflowDefinition) {
        steps = definition.steps.enumerated().map { index, step in
            ExecutionReport.Step(
                number: index + 1, name: step.name, function: step.action.description, status: .pending, attempts: [])
        }
    }

    mutating func take(_ body: RecordBody, state: ExecutionState) {
        switch body {
        case .started, .cancelRequested, .executionCancelled, .approvalRequested, .approvalVoted, .approvalNotified,
            .approvalDecided:
            break
        case .attemptStarted(let body):
            guard let index = state.index(of: body.path) else { return }
            if let input = body.input { steps[index].input = input }
            steps[index].attempts.append(
                ExecutionReport.Attempt(attempt: body.attempt, startedAt: body.at, status: .running))
        case .attemptCompleted(let body):
            guard let index = state.index(of: body.path) else { return }
            steps[index].output = body.output
            close(index) { attempt in
                attempt.status = .completed
                attempt.endedAt = body.at
                attempt.executionMilliseconds = body.executionMilliseconds
                attempt.queuedMilliseconds = body.queuedMilliseconds
            }
        case .attemptRetrying(let body), .stepFailed(let body):
            guard let index = state.index(of: body.path) else { return }
            close(index) { attempt in
                attempt.status = .failed
                attempt.endedAt = body.at
                attempt.executionMilliseconds = body.executionMilliseconds
                attempt.queuedMilliseconds = body.queuedMilliseconds
                attempt.errorCode = body.code
                attempt.errorMessage = body.message
                attempt.diagnostics = body.diagnostics
            }
        case .stepSkipped(let path, let reason):
            if let index = state.index(of: path) { steps[index].skipReason = reason }
        case .executionCompleted(let output, let risk):
            self.output = output
            self.risk = risk
        case .executionFailed(let code, let message, let step):
            errorCode = code
            errorMessage = message
            failedStep = step
        }
    }

    private mutating func close(_ index: Int, _ change: (inout ExecutionReport.Attempt) -> Void) {
        guard let last = steps[index].attempts.indices.last else { return }
        change(&steps[index].attempts[last])
    }
}
