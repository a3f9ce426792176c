/// The types of lifecycle events in contract v1; the raw value is the `type` field.
package enum EventType: String, CaseIterable, Sendable {
    case executionStarted = "execution_started"
    case stepStarted = "step_started"
    case stepCompleted = "step_completed"
    case stepFailed = "step_failed"
    case executionCompleted = "execution_completed"
    case executionFailed = "execution_failed"
    case stepRetrying = "step_retrying"
    case stepSkipped = "step_skipped"
    case executionCancelled = "execution_cancelled"
    case approvalRequested = "approval_requested"
    case approvalVote = "approval_vote"
    case approvalReminder = "approval_reminder"
    case approvalEscalated = "approval_escalated"
    case approvalGranted = "approval_granted"
    case approvalRejected = "approval_rejected"
    case approvalExpired = "approval_expired"
}
