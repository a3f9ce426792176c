import EventBus
import WorkflowModel

/// What is counted of an event beside its type.
enum EventDetail: Hashable {
    case executionStarted
    /// - Parameter code: of a failure that no step caused.
    case executionEnded(RunStatus, code: String?)
    case stepStarted(step: String, function: String)
    case stepFinished(step: String, StepResult)
    case stepRetrying(step: String, code: String)
    case stepSkipped
    case approvalRequested(id: String, kind: ApprovalKind, deadline: Timestamp?)
    /// A reminder or an escalation.
    case approvalNotice(id: String, stage: Int, deadline: Timestamp?)
    case approvalSettled(id: String, ApprovalStatus)
    /// Counted by its type alone.
    case other

    /// nil when the event does not have what its type promises.
    init?(_ event: EncodedEvent, type: EventType?) {
        guard let type else { self = .other; return }
        switch type {
        case .executionStarted: self = .executionStarted
        case .executionCompleted: self = .executionEnded(.completed, code: nil)
        case .executionCancelled: self = .executionEnded(.cancelled, code: nil)
        case .stepSkipped: self = .stepSkipped
        case .approvalVote: self = .other
        default:
            guard let fields = EventFields(event.bytes), let detail = Self.detail(type, fields) else { return nil }
            self = detail
        }
    }

    private static func detail(_ type: EventType, _ fields: EventFields) -> EventDetail? {
        switch type {
        case .executionFailed:
            guard let code = fields.string("error_code") else { return nil }
            return .executionEnded(.failed, code: fields.holds("failed_step") ? nil : code)
        case .stepStarted:
            guard let step = fields.string("step_name"), let function = fields.string("function") else { return nil }
            return .stepStarted(step: step, function: function)
        case .stepCompleted, .stepFailed:
            let code = type == .stepFailed ? fields.string("error_code") : nil
            guard let step = fields.string("step_name"), let duration = fields.microseconds("execution_time_ms"),
                let queued = fields.microseconds("queued_ms"), type == .stepCompleted || code != nil
            else { return nil }
            return .stepFinished(
                step: step, StepResult(durationMicroseconds: duration, queuedMicroseconds: queued, code: code))
        case .stepRetrying:
            guard let step = fields.string("step_name"), let code = fields.string("error_code") else { return nil }
            return .stepRetrying(step: step, code: code)
        case .approvalRequested:
            guard let id = fields.string("approval_id"),
                let kind = fields.string("kind").flatMap({ ApprovalKind(rawValue: $0) })
            else { return nil }
            return .approvalRequested(id: id, kind: kind, deadline: fields.time("deadline_at"))
        case .approvalReminder, .approvalEscalated:
            guard let id = fields.string("approval_id"), let stage = fields.int("stage") else { return nil }
            return .approvalNotice(id: id, stage: stage, deadline: fields.time("deadline_at"))
        case .approvalGranted, .approvalRejected, .approvalExpired:
            guard let id = fields.string("approval_id") else { return nil }
            let status: ApprovalStatus =
                type == .approvalGranted ? .granted : type == .approvalRejected ? .rejected : .expired
            return .approvalSettled(id: id, status)
        case .executionStarted, .executionCompleted, .executionCancelled, .stepSkipped, .approvalVote: return .other
        }
    }
}

/// How a run ended; the raw value is the label.
enum RunStatus: String, CaseIterable {
    case completed, failed, cancelled
}

/// How an approval ended; the raw value is the label.
enum ApprovalStatus: String, CaseIterable {
    case granted, rejected, expired
}

/// The verdict on a step.
struct StepResult: Hashable {
    var durationMicroseconds: UInt64
    var queuedMicroseconds: UInt64
    /// nil for a completed step.
    var code: String?
}
