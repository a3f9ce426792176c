package import WorkflowModel

/// What a record says, as `apply` reads it: one case a kind, with the kind's stable number in `RecordKind`.
package enum RecordBody: Hashable, Sendable {
    case started(Started)
    case attemptStarted(AttemptStarted)
    case attemptCompleted(AttemptCompleted)
    case attemptRetrying(AttemptFailed)
    case stepFailed(AttemptFailed)
    case stepSkipped(path: String, reason: String)
    case cancelRequested(reason: String, requestedBy: String)
    case executionCompleted(output: JSONValue, risk: Double)
    case executionFailed(code: String, message: String, failedStep: String?)
    case executionCancelled
    case approvalRequested(ApprovalRequested)
    case approvalVoted(ApprovalVoted)
    case approvalNotified(ApprovalNotified)
    case approvalDecided(ApprovalDecided)

    package struct Started: Hashable, Sendable {
        package var revision: Int
        package var inputs: JSONValue
        package var pins: [String: String]
        package var traceparent: String?
        /// Who asked for the execution; four eyes look at it.
        package var startedBy: String?
        package var at: Timestamp
    }

    package struct AttemptStarted: Hashable, Sendable {
        package var path: String
        package var attempt: Int
        /// With the first attempt only: every later one gets the same input.
        package var input: JSONValue?
        package var at: Timestamp
    }

    package struct AttemptCompleted: Hashable, Sendable {
        package var path: String
        package var attempt: Int
        package var output: JSONValue
        package var risk: Double?
        package var executionMilliseconds: Double
        package var queuedMilliseconds: Double
        package var at: Timestamp
    }

    package struct AttemptFailed: Hashable, Sendable {
        package var path: String
        package var attempt: Int
        package var code: String
        package var message: String
        package var diagnostics: String?
        package var executionMilliseconds: Double
        package var queuedMilliseconds: Double
        /// When the step runs again; nil for a final failure.
        package var nextAttemptAt: Timestamp?
        package var countsAs: AttemptCount
        package var checkpoint: JSONValue?
        package var at: Timestamp
    }
}

/// Which count of its step a failed attempt raises.
package enum AttemptCount: Hashable, Sendable {
    /// The step's own failures, which `max_attempts` limits.
    case failure
    /// Attempts in a row whose step host was lost.
    case hostLost
    /// Attempts in a row that the end of the server interrupted.
    case interruption
    /// None: the attempt had ended when the server did, or the server was asked to stop.
    case nothing
}

/// Stable numbers of the records' kinds; never renumbered, a gap stays a gap.
package enum RecordKind: Int, CaseIterable, Sendable {
    case started = 1
    case attemptStarted = 2
    case attemptCompleted = 3
    case attemptRetrying = 4
    case stepFailed = 5
    case stepSkipped = 6
    case cancelRequested = 7
    case executionCompleted = 8
    case executionFailed = 9
    case executionCancelled = 10
    case approvalRequested = 11
    case approvalVoted = 12
    case approvalNotified = 13
    case approvalDecided = 14
}
