extension WorkflowEvent {
    /// `execution_id:sequence`, the same for every copy of the event.
    package var id: String { "\(executionID):\(sequence)" }

    /// The event's bytes by the contract: fixed key order, no white space, `/` and non-ASCII unescaped.
    package var encoded: [UInt8] {
        // Longer than all but events with long names or messages, so that the buffer grows rarely.
        var writer = JSONWriter(reserving: 512)
        writer.raw("{\"id\":\"")
        writer.identifier(executionID)
        writer.raw(":")
        writer.int(sequence)
        writer.raw("\",\"type\":")
        writer.string(type.rawValue)
        writer.raw(",\"execution_id\":\"")
        writer.identifier(executionID)
        writer.raw("\",\"workflow\":")
        writer.string(workflow)
        writer.raw(",\"sequence\":")
        writer.int(sequence)
        writer.raw(",\"time\":")
        writer.time(time)
        writer.raw(",\"progress\":")
        writer.int(progress)
        writer.raw(",\"final\":")
        writer.bool(isFinal)
        writer.raw(",\"data\":{")
        data.encode(to: &writer)
        writer.raw("}}")
        return writer.bytes
    }
}

extension JSONWriter {
    /// A moment as a quoted RFC 3339 text.
    package mutating func time(_ value: Timestamp) {
        raw(UInt8(ascii: "\""))
        value.append(to: &self)
        raw(UInt8(ascii: "\""))
    }

    /// The canonical form of an identifier, without quotes.
    package mutating func identifier(_ value: ExecutionID) {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: ExecutionID.textBytes) { buffer in
            let count = unsafe value.write(to: buffer)
            unsafe raw(UnsafeBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

extension EventData {
    func encode(to writer: inout JSONWriter) {
        switch self {
        case .executionStarted(let data):
            writer.raw("\"deliverable_type\":")
            writer.string(data.deliverableType)
            writer.raw(",\"total_steps\":")
            writer.int(data.totalSteps)
            writer.raw(",\"started_at\":")
            writer.time(data.startedAt)
            writer.raw(",\"definition_revision\":")
            writer.int(data.definitionRevision)
        case .stepStarted(let data):
            writer.step(data.stepNumber, data.stepName)
            writer.raw(",\"function\":")
            writer.string(data.function)
            writer.raw(",\"attempt\":")
            writer.int(data.attempt)
        case .stepCompleted(let data):
            writer.step(data.stepNumber, data.stepName)
            writer.raw(",\"status\":\"completed\",\"execution_time_ms\":")
            writer.milliseconds(data.executionTimeMilliseconds)
            writer.raw(",\"error_message\":null,\"progress\":")
            writer.int(data.progress)
            writer.raw(",\"attempt\":")
            writer.int(data.attempt)
            writer.raw(",\"queued_ms\":")
            writer.milliseconds(data.queuedMilliseconds)
        case .stepFailed(let data):
            writer.step(data.stepNumber, data.stepName)
            writer.raw(",\"status\":\"failed\",\"execution_time_ms\":")
            writer.milliseconds(data.executionTimeMilliseconds)
            writer.raw(",\"error_message\":")
            writer.string(data.errorMessage)
            writer.raw(",\"progress\":")
            writer.int(data.progress)
            writer.raw(",\"attempt\":")
            writer.int(data.attempt)
            writer.raw(",\"queued_ms\":")
            writer.milliseconds(data.queuedMilliseconds)
            writer.raw(",\"error_code\":")
            writer.string(data.errorCode)
        case .executionCompleted(let data):
            writer.raw("\"status\":\"completed\",\"risk_score\":")
            writer.double(data.riskScore)
            writer.raw(",\"requires_approval\":")
            writer.bool(data.requiresApproval)
            writer.raw(",\"total_steps\":")
            writer.int(data.totalSteps)
            writer.raw(",\"successful_steps\":")
            writer.int(data.successfulSteps)
            writer.raw(",\"progress\":100")
        case .executionFailed(let data):
            writer.raw("\"error_message\":")
            writer.string(data.errorMessage)
            writer.raw(",\"progress\":0,\"failed_step\":")
            writer.optionalString(data.failedStep)
            writer.raw(",\"error_code\":")
            writer.string(data.errorCode)
        case .stepRetrying(let data):
            writer.step(data.stepNumber, data.stepName)
            writer.raw(",\"attempt\":")
            writer.int(data.attempt)
            writer.raw(",\"error_code\":")
            writer.string(data.errorCode)
            writer.raw(",\"error_message\":")
            writer.string(data.errorMessage)
            writer.raw(",\"execution_time_ms\":")
            writer.milliseconds(data.executionTimeMilliseconds)
            writer.raw(",\"next_attempt_at\":")
            writer.time(data.nextAttemptAt)
        case .stepSkipped(let data):
            writer.step(data.stepNumber, data.stepName)
            writer.raw(",\"reason\":")
            writer.string(data.reason)
            writer.raw(",\"progress\":")
            writer.int(data.progress)
        case .executionCancelled(let data):
            writer.raw("\"reason\":")
            writer.string(data.reason)
            writer.raw(",\"requested_by\":")
            writer.string(data.requestedBy)
            writer.raw(",\"progress\":")
            writer.int(data.progress)
        case .approvalRequested, .approvalVote, .approvalReminder, .approvalEscalated, .approvalGranted,
            .approvalRejected, .approvalExpired:
            encodeApproval(to: &writer)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func step(_ number: Int, _ name: String) {
        raw("\"step_number\":")
        int(number)
        raw(",\"step_name\":")
        string(name)
    }
}
