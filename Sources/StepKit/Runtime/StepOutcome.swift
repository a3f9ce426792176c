internal import FoundationEssentials
internal import StepABI

/// How a call ended, in the ABI's terms.
enum StepOutcome {
    case output(Data)
    case failed(StepFailure)
    case cancelled

    /// What an error thrown by a step means. A step that stops because it was cancelled may throw anything; only a
    /// `StepFailure` of its own stands.
    init(_ error: any Error, isCancelled: Bool) {
        switch error {
        case let failure as StepFailure: self = .failed(failure)
        case _ where isCancelled: self = .cancelled
        default: self = .failed(StepFailure(.retry(), code: "step_error", message: String(describing: error)))
        }
    }

    var status: Int32 {
        switch self {
        case .output: Int32(STEP_STATUS_OK)
        case .failed(let failure):
            failure.disposition == .final ? Int32(STEP_STATUS_FAILED_FINAL) : Int32(STEP_STATUS_FAILED)
        case .cancelled: Int32(STEP_STATUS_CANCELLED)
        }
    }

    var payload: Data {
        switch self {
        case .output(let data): return data
        case .cancelled: return Data()
        case .failed(let failure):
            var object: StepObject = ["code": .string(failure.code), "message": .string(failure.message)]
            if case .retry(let after?) = failure.disposition {
                object["retry_after_ms"] = .integer(after.wholeMilliseconds)
            }
            return Data(StepValue.object(object).json.utf8)
        }
    }
}
