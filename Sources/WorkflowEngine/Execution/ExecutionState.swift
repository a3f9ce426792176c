package import WorkflowModel

/// Everything `decide` knows about one execution: the fold of its records.
///
/// Holds what later decisions need and no history; a report of attempts is made from the records themselves.
package struct ExecutionState: Sendable {
    package let execution: ExecutionID
    package let definition: WorkflowDefinition
    /// The last record's; 0 before the start.
    package private(set) var version = 0
    /// The last public event's; 0 before the first.
    package private(set) var sequence = 0
    /// Event times never fall below it.
    package private(set) var lastEventAt = Timestamp(microseconds: 0)
    package private(set) var revision = 0
    package private(set) var inputs: JSONValue = .null
    package private(set) var pins: [String: String] = [:]
    package private(set) var traceparent: String?
    package private(set) var startedBy: String?
    package private(set) var startedAt = Timestamp(microseconds: 0)
    package private(set) var status: ExecutionStatus = .running
    package private(set) var isOpen = true
    /// In definition order.
    package private(set) var steps: [StepState]
    /// Indices of the steps that are in a host, by the journal.
    package private(set) var running: Set<Int> = []
    /// Everything before this index is finished: where the sequential scheduler looks next.
    package private(set) var cursor = 0
    package private(set) var finishedCount = 0
    package private(set) var completedCount = 0
    package private(set) var cancellation: Cancellation?
    /// The highest risk a completed attempt reported; 0 when none.
    package private(set) var reportedRisk = 0.0
    /// The definition's output, once completed.
    package private(set) var output: JSONValue?
    package private(set) var failure: Failure?
    /// In the order they were asked for.
    package private(set) var approvals: [ApprovalState] = []
    /// Bytes of the records that hold the inputs and outputs.
    package private(set) var contextBytes = 0
    /// `steps` as expressions see it.
    package private(set) var stepValues = JSONObject()
    private let indices: [String: Int]

    package struct Cancellation: Hashable, Sendable {
        package var reason: String
        package var requestedBy: String
    }

    package struct Failure: Hashable, Sendable {
        package var code: String
        package var message: String
        package var failedStep: String?

        package init(code: String, message: String, failedStep: String?) {
            self.code = code
            self.message = message
            self.failedStep = failedStep
        }
    }

    package init(execution: ExecutionID, definition: WorkflowDefinition) {
        self.execution = execution
        self.definition = definition
        steps = Array(repeating: StepState(), count: definition.steps.count)
        indices = Dictionary(
            definition.steps.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
    }

    package func index(of path: String) -> Int? { indices[path] }

    /// Percent of the steps that are finished.
    package var progress: Int { WorkflowEvent.progress(finished: finishedCount, total: steps.count) }

    /// The one that waits for a decision: of a gate while the run is open, of the release after it has completed.
    package var pendingApproval: ApprovalState? { approvals.last.flatMap { $0.isPending ? $0 : nil } }

    /// What the definition says of an approval.
    package func definition(of approval: ApprovalState) -> ApprovalDefinition? {
        guard let path = approval.path else { return definition.release?.approval }
        return index(of: path).flatMap { definition.steps[$0].gate }
    }

    /// When the soonest retry, reminder, escalation or deadline is due; nil when there is none.
    package var nextTimer: Timestamp? {
        if let pendingApproval { return pendingApproval.nextTimer }
        // Only the step at the cursor can wait while steps run in sequence.
        return cursor < steps.count && steps[cursor].status == .retrying ? steps[cursor].nextAttemptAt : nil
    }

    /// The variables of every expression: `inputs`, `steps`, `execution`, `risk_score`.
    var variables: JSONObject { variables(risk: reportedRisk) }

    func variables(risk: Double) -> JSONObject {
        JSONObject([
            ("inputs", inputs),
            ("steps", .object(stepValues)),
            ("execution", executionValue),
            ("risk_score", .double(risk)),
        ])
    }

    private var executionValue: JSONValue {
        [
            "id": .string(execution.description), "workflow": .string(definition.name),
            "revision": .int(Int64(revision)),
        ]
    }

    /// Takes one record into the state, the same in a decision and in a replay.
    /// - Throws: `RecordError` when the record is not the next one or does not fit the state.
    package mutating func apply(_ record: JournalRecord) throws(RecordError) {
        try apply(
            RecordBody(record), version: record.version, event: record.event, payloadBytes: record.payload.count)
    }

    mutating func apply(
        _ body: RecordBody, version: Int, event: EncodedEvent?, payloadBytes: Int
    ) throws(RecordError) {
        guard version == self.version + 1 else {
            throw RecordError("record \(version) follows \(self.version): the journal has a gap")
        }
        if let event {
            guard event.sequence == sequence + 1 else {
                throw RecordError("event \(event.sequence) follows \(sequence): the journal has a gap")
            }
            sequence = event.sequence
            lastEventAt = event.time
            if event.isFinal { isOpen = false }
        }
        self.version = version
        try fold(body, payloadBytes: payloadBytes)
    }

    private mutating func fold(_ body: RecordBody, payloadBytes: Int) throws(RecordError) {
        switch body {
        case .started(let body):
            revision = body.revision
            inputs = body.inputs
            pins = body.pins
            traceparent = body.traceparent
            startedBy = body.startedBy
            startedAt = body.at
            contextBytes = payloadBytes
        case .attemptStarted(let body):
            let index = try known(body.path)
            steps[index].status = .running
            steps[index].attempt = body.attempt
            steps[index].nextAttemptAt = nil
            if let input = body.input { steps[index].input = input }
            running.insert(index)
        case .attemptCompleted(let body):
            let index = try known(body.path)
            finish(index, .completed)
            completedCount += 1
            reportedRisk = max(reportedRisk, body.risk ?? 0)
            contextBytes += payloadBytes
            stepValues[body.path] = ["output": body.output, "status": "completed", "error": nil]
        case .attemptRetrying(let body):
            let index = try known(body.path)
            running.remove(index)
            steps[index].status = .retrying
            steps[index].nextAttemptAt = body.nextAttemptAt
            switch body.countsAs {
            case .failure:
                steps[index].failures += 1
                (steps[index].interruptions, steps[index].hostsLost) = (0, 0)
            case .hostLost: steps[index].hostsLost += 1
            case .interruption: steps[index].interruptions += 1
            case .nothing: break
            }
            if let checkpoint = body.checkpoint { steps[index].checkpoint = checkpoint }
        case .stepFailed(let body):
            finish(try known(body.path), .failed)
            stepValues[body.path] = [
                "output": nil, "status": "failed",
                "error": ["code": .string(body.code), "message": .string(body.message)],
            ]
        case .stepSkipped(let path, _):
            finish(try known(path), .skipped)
            stepValues[path] = ["output": nil, "status": "skipped", "error": nil]
        case .cancelRequested(let reason, let requestedBy):
            cancellation = Cancellation(reason: reason, requestedBy: requestedBy)
        case .executionCompleted(let output, _):
            status = .completed
            self.output = output
        case .executionFailed(let code, let message, let failedStep):
            status = .failed
            failure = Failure(code: code, message: message, failedStep: failedStep)
        case .executionCancelled:
            status = .cancelled
            for index in steps.indices where !steps[index].isFinished && steps[index].attempt > 0 {
                steps[index].status = .cancelled
            }
        case .approvalRequested(let body): try ask(body)
        case .approvalVoted(let body): approvals[try pending(body.id)].apply(body)
        case .approvalNotified(let body):
            let index = try pending(body.id)
            approvals[index].apply(body, others: definition(of: approvals[index])?.escalateTo ?? [])
        case .approvalDecided(let body):
            approvals[try pending(body.id)].apply(body)
            if status == .waiting { status = .running }
        }
    }

    private mutating func ask(_ body: RecordBody.ApprovalRequested) throws(RecordError) {
        let definition: ApprovalDefinition?
        if let path = body.path {
            let index = try known(path)
            definition = self.definition.steps[index].gate
            running.remove(index)
            steps[index].status = .waiting
            status = .waiting
        } else { definition = self.definition.release?.approval }
        guard let definition else {
            throw RecordError("approval \(body.id) is not in revision \(revision) of \(self.definition.name)")
        }
        approvals.append(ApprovalState(body, definition))
    }

    private func pending(_ id: String) throws(RecordError) -> Int {
        guard let index = approvals.indices.last, approvals[index].id == id, approvals[index].isPending else {
            throw RecordError("approval \(id) is not pending")
        }
        return index
    }

    private mutating func finish(_ index: Int, _ status: StepStatus) {
        running.remove(index)
        steps[index].status = status
        // What only a later attempt would need is let go.
        steps[index].input = nil
        steps[index].checkpoint = nil
        finishedCount += 1
        while cursor < steps.count, steps[cursor].isFinished { cursor += 1 }
    }

    private func known(_ path: String) throws(RecordError) -> Int {
        guard let index = indices[path] else {
            throw RecordError("step \(path) is not in revision \(revision) of \(definition.name)")
        }
        return index
    }
}
