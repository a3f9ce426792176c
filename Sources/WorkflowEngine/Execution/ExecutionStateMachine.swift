package import WorkflowModel

/// The decisions of one execution: (state, input, now, chance) → records + effects.
///
/// A value without I/O. Each input changes the state at once and returns the records that make the change durable; a
/// caller whose append fails for good drops the machine and replays the journal. Every batch of records leaves the
/// execution either ended, with a step in a host, or waiting for a timer or a decision: a replayed state is never in
/// limbo.
package struct ExecutionStateMachine: Sendable {
    package private(set) var state: ExecutionState
    package let limits: EngineLimits
    /// While held, verdicts and ends are recorded and no attempt is started: a server that stops leaves none in doubt.
    package var isHeld = false

    package init(execution: ExecutionID, definition: WorkflowDefinition, limits: EngineLimits = EngineLimits()) {
        state = ExecutionState(execution: execution, definition: definition)
        self.limits = limits
    }

    /// Replays one record of the journal.
    package mutating func apply(_ record: JournalRecord) throws(RecordError) { try state.apply(record) }

    // MARK: Inputs

    /// Starts the execution: the first input, once.
    package mutating func start(_ command: StartCommand, now: Timestamp) -> Decision {
        precondition(state.version == 0, "start is the first input of an execution")
        var decision = Decision()
        let definition = state.definition
        emit(
            .started(
                RecordBody.Started(
                    revision: command.revision, inputs: command.inputs, pins: command.pins,
                    traceparent: command.traceparent, startedBy: command.startedBy, at: now)),
            .executionStarted(
                EventData.ExecutionStarted(
                    deliverableType: definition.deliverableType, totalSteps: definition.steps.count, startedAt: now,
                    definitionRevision: command.revision)),
            now: now, traceparent: command.traceparent, into: &decision)
        advance(now: now, into: &decision)
        return decision
    }

    /// The verdict on an attempt. One that is not running any more changes nothing.
    /// - Parameter random: uniform in 0..<1, for the jitter of a retry.
    package mutating func finish(
        path: String, attempt: Int, _ outcome: StepOutcome, now: Timestamp, random: Double
    ) -> Decision {
        var decision = Decision()
        guard state.isOpen, let index = state.index(of: path), state.running.contains(index),
            state.steps[index].attempt == attempt
        else { return decision }
        switch judged(outcome) {
        case .success(let output): complete(index, output, outcome, now: now, into: &decision)
        case .failure(let error):
            fail(index, error, outcome, now: now, random: random, into: &decision)
        }
        settle(now: now, into: &decision)
        return decision
    }

    /// Starts what is due; calling it early or twice changes nothing.
    package mutating func wake(now: Timestamp) -> Decision {
        var decision = Decision()
        guard state.isOpen, !isHeld, state.cancellation == nil, let due = state.nextTimer else { return decision }
        guard due <= now else {
            decision.effects.append(.wake(at: due))
            return decision
        }
        if state.pendingApproval == nil { startAttempt(state.cursor, now: now, into: &decision) } else {
            runApprovalTimers(now: now, into: &decision)
            settle(now: now, into: &decision)
        }
        return decision
    }

    /// Asks for the end: recorded first; a running attempt is cancelled, then the execution ends as cancelled.
    ///
    /// Repeating the request, or asking after the end or the completion, changes nothing.
    package mutating func cancel(reason: String, requestedBy: String, now: Timestamp) -> Decision {
        var decision = Decision()
        guard state.isOpen, state.status != .completed, state.cancellation == nil else { return decision }
        emit(
            .cancelRequested(reason: limits.cut(reason), requestedBy: limits.cut(requestedBy)), nil, now: now,
            into: &decision)
        for index in state.running.sorted() {
            decision.effects.append(.cancel(path: path(index), attempt: state.steps[index].attempt))
        }
        if let approval = state.pendingApproval {
            settleApproval(.expired, approval, .cancelled, now: now, into: &decision)
        }
        settle(now: now, into: &decision)
        return decision
    }

    /// Takes the execution up again after a restart: attempts in doubt are repeated, timers set again.
    ///
    /// An attempt that no host had goes on waiting for one under its number, as if nothing had been.
    /// - Parameter trace: how far an attempt without a verdict had come.
    package mutating func recover(
        now: Timestamp, trace: (_ path: String, _ attempt: Int) -> AttemptTrace
    ) -> Decision {
        var decision = Decision()
        guard state.isOpen else { return decision }
        for index in state.running.sorted() {
            let found = trace(path(index), state.steps[index].attempt)
            if found == .none, state.cancellation == nil, let call = waitingCall(index) {
                if !isHeld { decision.effects.append(.run(call)) }
                continue
            }
            let error = StepError(
                code: StepErrorCode.interrupted,
                message: "the process that ran the attempt ended before its completion was recorded")
            fail(
                index, error, StepOutcome(result: .failed(error)), isSpared: found != .inHost, now: now, random: 0,
                into: &decision)
        }
        settle(now: now, into: &decision)
        if decision.records.isEmpty, let due = state.nextTimer { decision.effects.append(.wake(at: due)) }
        return decision
    }

    // MARK: Verdicts

    /// What the outcome counts as: an output that breaks a rule is a failure.
    private func judged(_ outcome: StepOutcome) -> Result<JSONValue, StepError> {
        switch outcome.result {
        case .failed(let error): return .failure(error)
        case .completed(let bytes):
            if let risk = outcome.risk, !(0...100).contains(risk) {
                return .failure(
                    StepError(
                        code: StepErrorCode.invalidOutput, message: "risk \(risk) is outside 0…100", isRetryable: false)
                )
            }
            guard state.contextBytes + bytes.count <= limits.contextBytesMax else {
                return .failure(
                    StepError(
                        code: StepErrorCode.outputTooLarge,
                        message: "inputs and outputs of the execution exceed \(limits.contextBytesMax) bytes",
                        isRetryable: false))
            }
            do { return .success(try JSONValue(parsing: bytes)) } catch {
                return .failure(
                    StepError(code: StepErrorCode.invalidOutput, message: "the output is not valid JSON: \(error)"))
            }
        }
    }

    mutating func complete(
        _ index: Int, _ output: JSONValue, _ outcome: StepOutcome, now: Timestamp, into decision: inout Decision
    ) {
        let attempt = state.steps[index].attempt
        emit(
            .attemptCompleted(
                RecordBody.AttemptCompleted(
                    path: path(index), attempt: attempt, output: output, risk: outcome.risk,
                    executionMilliseconds: outcome.executionMilliseconds,
                    queuedMilliseconds: outcome.queuedMilliseconds, at: now)),
            .stepCompleted(
                EventData.StepCompleted(
                    stepNumber: index + 1, stepName: path(index),
                    executionTimeMilliseconds: outcome.executionMilliseconds, progress: progressAfterOneMore,
                    attempt: attempt, queuedMilliseconds: outcome.queuedMilliseconds)),
            now: now, into: &decision)
    }

    mutating func fail(
        _ index: Int, _ original: StepError, _ outcome: StepOutcome, isSpared: Bool = false, now: Timestamp,
        random: Double, into decision: inout Decision
    ) {
        var error = original
        if let cancellation = state.cancellation {
            error = StepError(
                code: StepErrorCode.cancelled, message: "cancelled: \(cancellation.reason)", isRetryable: false,
                diagnostics: original.diagnostics)
        }
        let verdict = retry(index, error, isSpared: isSpared, now: now, random: random)
        let step = state.steps[index]
        let message = limits.cut(error.message)
        let body = RecordBody.AttemptFailed(
            path: path(index), attempt: step.attempt, code: error.code, message: message,
            diagnostics: error.diagnostics, executionMilliseconds: outcome.executionMilliseconds,
            queuedMilliseconds: outcome.queuedMilliseconds, nextAttemptAt: verdict.nextAttemptAt,
            countsAs: verdict.countsAs, checkpoint: try? JSONValue(parsing: outcome.checkpoint), at: now)
        guard let next = verdict.nextAttemptAt else {
            emit(
                .stepFailed(body),
                .stepFailed(
                    EventData.StepFailed(
                        stepNumber: index + 1, stepName: path(index),
                        executionTimeMilliseconds: outcome.executionMilliseconds, errorMessage: message,
                        progress: progressAfterOneMore, attempt: step.attempt,
                        queuedMilliseconds: outcome.queuedMilliseconds, errorCode: error.code)),
                now: now, into: &decision)
            return
        }
        emit(
            .attemptRetrying(body),
            .stepRetrying(
                EventData.StepRetrying(
                    stepNumber: index + 1, stepName: path(index), attempt: step.attempt, errorCode: error.code,
                    errorMessage: message, executionTimeMilliseconds: outcome.executionMilliseconds,
                    nextAttemptAt: next)),
            now: now, into: &decision)
        if next <= now, !isHeld {
            startAttempt(index, now: now, into: &decision)
        } else {
            decision.effects.append(.wake(at: next))
        }
    }

    /// When the step runs again after this failure, if it does, and which count the attempt raises.
    private func retry(
        _ index: Int, _ error: StepError, isSpared: Bool, now: Timestamp, random: Double
    ) -> (nextAttemptAt: Timestamp?, countsAs: AttemptCount) {
        let step = state.steps[index]
        switch error.code {
        case StepErrorCode.interrupted:
            if isSpared { return (now, .nothing) }
            let interruptions = step.interruptions + 1
            let isLast = interruptions >= limits.interruptionsMax
            return (isLast ? nil : now + limits.pause(afterInterruption: interruptions), .interruption)
        case StepErrorCode.hostLost: return (now + limits.pause(afterHostLost: step.hostsLost + 1), .hostLost)
        default: break
        }
        let policy = state.definition.steps[index].retry
        let failures = step.failures + 1
        guard error.isRetryable, failures < policy.attemptsMax, !policy.nonRetryable.contains(error.code) else {
            return (nil, .failure)
        }
        let delay =
            error.retryAfter.map { min(max($0, .zero), limits.retryAfterMax) }
            ?? policy.delay(afterAttempt: failures, random: random)
        return (now + delay, .failure)
    }

    // MARK: Progress through the definition

    /// After a verdict or a cancel request: ends the execution or starts what comes next.
    mutating func settle(now: Timestamp, into decision: inout Decision) {
        guard state.isOpen, state.status != .completed, state.running.isEmpty else { return }
        if let cancellation = state.cancellation {
            emit(
                .executionCancelled,
                .executionCancelled(
                    EventData.ExecutionCancelled(
                        reason: cancellation.reason, requestedBy: cancellation.requestedBy, progress: state.progress)),
                now: now, isFinal: true, into: &decision)
            decision.effects.append(.end)
            return
        }
        if state.pendingApproval != nil || state.nextTimer != nil { return }
        advance(now: now, into: &decision)
    }

    /// Starts the next step that is not skipped, or ends the execution; while held, only what needs no host.
    private mutating func advance(now: Timestamp, into decision: inout Decision) {
        while state.isOpen, state.running.isEmpty, state.pendingApproval == nil {
            if let failed = failedStep {
                return end(failed, now: now, into: &decision)
            }
            guard state.cursor < state.steps.count else { return completeExecution(now: now, into: &decision) }
            let index = state.cursor
            switch isWanted(index) {
            case .success(true):
                if isHeld { return }
                startAttempt(index, now: now, into: &decision)
            case .success(false): skip(index, now: now, into: &decision)
            case .failure(let error):
                guard let gate = state.definition.steps[index].gate else {
                    reject(index, error, code: StepErrorCode.expression, now: now, into: &decision)
                    continue
                }
                // Whether somebody has to decide cannot be told: then somebody has to.
                if isHeld { return }
                openGate(
                    index, gate, reason: "whether a decision is needed cannot be told: \(error)", now: now,
                    into: &decision)
            }
        }
    }

    /// The finished step just before the cursor, if it failed and its policy is to fail the run.
    private var failedStep: Int? {
        let index = state.cursor - 1
        guard index >= 0, state.steps[index].status == .failed, state.definition.steps[index].onFailure == .fail else {
            return nil
        }
        return index
    }

    private func isWanted(_ index: Int) -> Result<Bool, ExpressionError> {
        guard let when = state.definition.steps[index].when else { return .success(true) }
        do {
            let value = try when.evaluate(state.variables)
            guard let wanted = value.boolValue else {
                return .failure(ExpressionError(message: "`when` is \(value.typeName), not a boolean"))
            }
            return .success(wanted)
        } catch { return .failure(error) }
    }

    private mutating func skip(_ index: Int, now: Timestamp, into decision: inout Decision) {
        let reason = "`when` is false: \(state.definition.steps[index].when?.source ?? "")"
        emit(
            .stepSkipped(path: path(index), reason: limits.cut(reason)),
            .stepSkipped(
                EventData.StepSkipped(
                    stepNumber: index + 1, stepName: path(index), reason: limits.cut(reason),
                    progress: progressAfterOneMore)),
            now: now, into: &decision)
    }

    /// Starts the first or a further attempt: the input is made once and kept for every attempt.
    private mutating func startAttempt(_ index: Int, now: Timestamp, into decision: inout Decision) {
        let step = state.definition.steps[index]
        if let gate = step.gate {
            let reason = gate.reason ?? "step \(path(index)) waits for a decision"
            return openGate(index, gate, reason: reason, now: now, into: &decision)
        }
        let input: JSONValue
        if let kept = state.steps[index].input {
            input = kept
        } else {
            do { input = try step.input.evaluate(state.variables) } catch {
                return reject(index, error, code: StepErrorCode.invalidInput, now: now, into: &decision)
            }
        }
        beginAttempt(index, input: input, now: now, into: &decision)
        if let function = step.function { decision.effects.append(.run(call(index, function, input: input))) }
    }

    mutating func beginAttempt(
        _ index: Int, input: JSONValue?, now: Timestamp, into decision: inout Decision
    ) {
        let attempt = state.steps[index].attempt + 1
        emit(
            .attemptStarted(
                RecordBody.AttemptStarted(
                    path: path(index), attempt: attempt, input: attempt == 1 ? input : nil, at: now)),
            .stepStarted(
                EventData.StepStarted(
                    stepNumber: index + 1, stepName: path(index),
                    function: state.definition.steps[index].action.description, attempt: attempt)),
            now: now, into: &decision)
    }

    /// Fails a step whose expression cannot be evaluated; it never reaches a host.
    private mutating func reject(
        _ index: Int, _ error: ExpressionError, code: String, now: Timestamp, into decision: inout Decision
    ) {
        beginAttempt(index, input: nil, now: now, into: &decision)
        let failure = StepError(code: code, message: "\(error)", isRetryable: false)
        fail(index, failure, StepOutcome(result: .failed(failure)), now: now, random: 0, into: &decision)
    }

    /// The call of a running attempt, as it was made when the attempt was started.
    private func waitingCall(_ index: Int) -> StepCall? {
        guard let function = state.definition.steps[index].function, let input = state.steps[index].input else {
            return nil
        }
        return call(index, function, input: input)
    }

    private func call(_ index: Int, _ function: FunctionName, input: JSONValue) -> StepCall {
        let step = state.definition.steps[index]
        return StepCall(
            execution: state.execution, workflow: state.definition.name, path: path(index), function: function,
            pluginHash: state.pins[function.plugin] ?? "", attempt: state.steps[index].attempt,
            input: input.encoded, timeout: step.timeout, checkpoint: state.steps[index].checkpoint?.encoded ?? [])
    }

    // MARK: The end

    private mutating func completeExecution(now: Timestamp, into decision: inout Decision) {
        do {
            let score = try state.definition.risk?.evaluate(state.variables) ?? .double(state.reportedRisk)
            guard let risk = score.doubleValue, (0...100).contains(risk) else {
                return failExecution(
                    code: StepErrorCode.invalidOutput,
                    message: "the definition's `risk` is \(score.encodedText), not a number from 0 to 100", step: nil,
                    now: now, into: &decision)
            }
            let output = try state.definition.output?.evaluate(state.variables) ?? .null
            let reason = releaseReason(risk: risk)
            if let release = state.definition.release, let reason {
                requestRelease(release, risk: risk, reason: reason, now: now, into: &decision)
            }
            emit(
                .executionCompleted(output: output, risk: risk),
                .executionCompleted(
                    EventData.ExecutionCompleted(
                        riskScore: risk, requiresApproval: reason != nil, totalSteps: state.steps.count,
                        successfulSteps: state.completedCount)),
                now: now, isFinal: reason == nil, into: &decision)
            if reason == nil { decision.effects.append(.end) }
        } catch {
            failExecution(
                code: StepErrorCode.expression, message: "the definition's `risk` or `output`: \(error)", step: nil,
                now: now, into: &decision)
        }
    }

    /// Why the result needs an approval; nil when it needs none. What cannot be evaluated needs one.
    private func releaseReason(risk: Double) -> String? {
        guard let release = state.definition.release else { return nil }
        do {
            let value = try release.requiredWhen.evaluate(state.variables(risk: risk))
            guard let isRequired = value.boolValue else { return "`required_when` is \(value.typeName), not a boolean" }
            return isRequired ? release.approval.reason ?? release.requiredWhen.source : nil
        } catch { return "`required_when` cannot be evaluated: \(error)" }
    }

    private mutating func end(_ failed: Int, now: Timestamp, into decision: inout Decision) {
        let error = state.stepValues[path(failed)]?["error"]
        failExecution(
            code: error?["code"]?.stringValue ?? StepErrorCode.failed,
            message: error?["message"]?.stringValue ?? "step \(path(failed)) failed", step: path(failed), now: now,
            into: &decision)
    }

    private mutating func failExecution(
        code: String, message: String, step: String?, now: Timestamp, into decision: inout Decision
    ) {
        emit(
            .executionFailed(code: code, message: limits.cut(message), failedStep: step),
            .executionFailed(
                EventData.ExecutionFailed(errorMessage: limits.cut(message), failedStep: step, errorCode: code)),
            now: now, isFinal: true, into: &decision)
        decision.effects.append(.end)
    }

    // MARK: Records

    func path(_ index: Int) -> String { state.definition.steps[index].name }

    private var progressAfterOneMore: Int {
        WorkflowEvent.progress(finished: state.finishedCount + 1, total: state.steps.count)
    }

    /// Adds one record, with its public event where it has one, and takes it into the state.
    mutating func emit(
        _ body: RecordBody, _ data: EventData?, now: Timestamp, isFinal: Bool = false, traceparent: String? = nil,
        into decision: inout Decision
    ) {
        let event = data.map { data in
            EncodedEvent(
                WorkflowEvent(
                    executionID: state.execution, workflow: state.definition.name, sequence: state.sequence + 1,
                    time: max(now, state.lastEventAt), progress: progress(of: data), isFinal: isFinal, data: data),
                traceparent: traceparent ?? state.traceparent)
        }
        let record = JournalRecord(
            version: state.version + 1, kind: body.kind.rawValue, payload: body.encoded, event: event)
        do {
            try state.apply(body, version: record.version, event: event, payloadBytes: record.payload.count)
        } catch {
            preconditionFailure("a decision made a record that does not follow its own state: \(error)")
        }
        decision.records.append(record)
    }

    /// The top-level progress of an event: that of `data` where finishing a step raises it, the state's otherwise.
    private func progress(of data: EventData) -> Int {
        switch data {
        case .stepCompleted(let data): data.progress
        case .stepFailed(let data): data.progress
        case .stepSkipped(let data): data.progress
        case .executionCompleted: 100
        default: state.status == .completed ? 100 : state.progress
        }
    }
}
