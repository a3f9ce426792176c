package import WorkflowModel

package enum StepStatus: String, CaseIterable, Sendable {
    case pending, running, retrying, waiting, completed, failed, skipped, cancelled
}

/// Where one step of an execution stands.
package struct StepState: Hashable, Sendable {
    package var status: StepStatus = .pending
    /// Number of the last attempt that was started; 0 before the first.
    package var attempt = 0
    /// Failed attempts that count against `max_attempts`.
    package var failures = 0
    /// Attempts in a row that a host had when the server died.
    package var interruptions = 0
    /// Attempts in a row whose host was lost by no fault of theirs.
    package var hostsLost = 0
    /// When a retrying step runs again.
    package var nextAttemptAt: Timestamp?
    package var input: JSONValue?
    package var checkpoint: JSONValue?

    /// Completed, finally failed or skipped: counts towards progress.
    package var isFinished: Bool { status == .completed || status == .failed || status == .skipped }
}
