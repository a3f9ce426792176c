import WorkflowModel
import WorkflowEngine

/// Turns how a call ended into the outcome the engine gets.
struct CallVerdict {
    var limits: HostingConfiguration.Limits
    var timeout: Duration
    var heartbeatTimeout: Duration?

    func outcome(of end: CallEnd, queuedNanoseconds: Int64) -> StepOutcome {
        var outcome = StepOutcome(
            result: .failed(StepError(code: StepErrorCode.failed, message: "")),
            executionMilliseconds: Double(end.elapsedNanoseconds) / 1e6,
            queuedMilliseconds: Double(queuedNanoseconds) / 1e6, checkpoint: end.checkpoint)
        switch end.result {
        case .completed(let completion):
            // The host's own measure, unless it claims more than passed.
            let elapsed = min(completion.nanoseconds, UInt64(clamping: end.elapsedNanoseconds))
            outcome.executionMilliseconds = Double(elapsed) / 1e6
            outcome.result = result(of: completion, end)
            if let risk = completion.risk, case .completed = outcome.result {
                if (0...100).contains(risk) {
                    outcome.risk = risk
                } else {
                    outcome.result = .failed(
                        invalidOutput("the step reported a risk of \(risk); it must be 0 to 100", end))
                }
            }
        case .refused(let status):
            outcome.result = .failed(
                StepError(
                    code: StepErrorCode.failed, message: "the plugin refused the call with status \(status)",
                    diagnostics: end.diagnostics))
        case .died(let death): outcome.result = .failed(error(for: death, end))
        }
        return outcome
    }

    private func result(of completion: WireMessage.Completion, _ end: CallEnd) -> StepOutcome.Result {
        switch completion.status {
        case 0:
            guard completion.payload.count <= limits.outputBytesMax else {
                return .failed(
                    StepError(
                        code: StepErrorCode.outputTooLarge,
                        message: "the output has \(completion.payload.count) bytes; "
                            + "the limit is \(limits.outputBytesMax)",
                        isRetryable: false))
            }
            do throws(JSONError) {
                _ = try JSONValue(parsing: completion.payload, limits: JSONLimits(bytesMax: limits.outputBytesMax))
                return .completed(output: completion.payload)
            } catch {
                return .failed(invalidOutput("the output is not valid JSON: \(error)", end))
            }
        case 1, 2:
            // Asked to stop, a step may well end with an error of its own; why it was asked is the better reason.
            if let reason = end.cancelReason { return .failed(stopped(reason, end)) }
            return .failed(
                StepFailurePayload(completion.payload, bytesMax: limits.errorMessageBytesMax).error(
                    isRetryable: completion.status == 1, diagnostics: end.diagnostics))
        case 3:
            if let reason = end.cancelReason { return .failed(stopped(reason, end)) }
            return .failed(
                StepError(
                    code: StepErrorCode.failed, message: "the step says it was cancelled; nobody had asked it to stop",
                    diagnostics: end.diagnostics))
        default:
            return .failed(
                StepError(
                    code: StepErrorCode.protocolViolation,
                    message: "the plugin completed with unknown status \(completion.status)",
                    diagnostics: end.diagnostics))
        }
    }

    private func error(for death: HostDeath, _ end: CallEnd) -> StepError {
        func failed(_ code: String, _ message: String) -> StepError {
            StepError(code: code, message: message, diagnostics: end.diagnostics)
        }
        switch death {
        case .signal(let number):
            return failed(StepErrorCode.signal, "the step host was ended by \(SignalName.of(number)) during the call")
        case .exited(let code):
            return failed(StepErrorCode.exitedEarly, "the plugin ended its process with status \(code) during the call")
        case .protocolViolation(let what): return failed(StepErrorCode.protocolViolation, what)
        case .killedAtDeadline: return stopped(.deadline, end)
        case .killedWithoutHeartbeat: return stopped(.heartbeatLost, end)
        case .killedAfterCancel: return stopped(.requested, end)
        case .killedBeyondLimit(let what):
            return failed(StepErrorCode.limitExceeded, "the step was ended: its host used \(what)")
        case .retired: return stopped(.shutdown, end)
        case .unresponsive(let what), .spawnFailed(let what), .notStarted(let what), .stalled(let what):
            return failed(StepErrorCode.hostLost, what)
        case .loadFailed(_, let message): return failed(StepErrorCode.functionUnavailable, message)
        }
    }

    private func stopped(_ reason: CancelReason, _ end: CallEnd) -> StepError {
        switch reason {
        case .deadline:
            StepError(
                code: StepErrorCode.deadline, message: "the step did not finish within \(timeout)",
                diagnostics: end.diagnostics)
        case .heartbeatLost:
            StepError(
                code: StepErrorCode.heartbeatLost,
                message: "the step gave no heartbeat for \(heartbeatTimeout ?? timeout)", diagnostics: end.diagnostics)
        case .requested:
            StepError(
                code: StepErrorCode.cancelled, message: "the step was cancelled", isRetryable: false,
                diagnostics: end.diagnostics)
        case .shutdown:
            StepError(
                code: StepErrorCode.hostLost, message: "the server is stopping; the step will run again",
                diagnostics: end.diagnostics)
        }
    }

    private func invalidOutput(_ message: String, _ end: CallEnd) -> StepError {
        StepError(code: StepErrorCode.invalidOutput, message: message, diagnostics: end.diagnostics)
    }
}
