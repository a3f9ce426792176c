package import WorkflowModel

/// The unit of the journal: one thing that happened to one execution.
///
/// `apply` reads `payload`; `event`, where there is one, is stored as the very bytes that are published.
package struct JournalRecord: Hashable, Sendable {
    /// 1, 2, 3 … dense within the execution; internal.
    package var version: Int
    /// Stable number of the record's kind; see `RecordKind`.
    package var kind: Int
    /// Private JSON; never leaves the orchestrator.
    package var payload: [UInt8]
    package var event: EncodedEvent?

    package init(version: Int, kind: Int, payload: [UInt8], event: EncodedEvent?) {
        self.version = version
        self.kind = kind
        self.payload = payload
        self.event = event
    }
}

/// What one decision asks the journal to make durable, all or nothing.
package struct AppendRequest: Sendable {
    package enum TimerChange: Hashable, Sendable { case unchanged, set(Timestamp), cleared }

    package var execution: ExecutionID
    /// The version of the last record already there; 0 for a new execution.
    package var expectedVersion: Int
    package var records: [JournalRecord]
    /// The execution's row in the listing as of the last record; nil leaves it.
    package var summary: ExecutionSummary?
    package var timer: TimerChange
    /// Claimed in the same transaction; a key that is taken refuses the request with `idempotencyKeyTaken`.
    package var idempotency: IdempotencyClaim?
    /// Rows of the listing of approvals that are new or changed.
    package var approvals: [ApprovalSummary]

    package init(
        execution: ExecutionID, expectedVersion: Int, records: [JournalRecord], summary: ExecutionSummary? = nil,
        timer: TimerChange = .unchanged, idempotency: IdempotencyClaim? = nil, approvals: [ApprovalSummary] = []
    ) {
        self.execution = execution
        self.expectedVersion = expectedVersion
        self.records = records
        self.summary = summary
        self.timer = timer
        self.idempotency = idempotency
        self.approvals = approvals
    }
}

/// What was committed for one request.
package struct AppendReceipt: Hashable, Sendable {
    /// The position of the request's last record.
    package var position: JournalPosition
    package init(position: JournalPosition) { self.position = position }
}

/// An idempotency key of one workflow, bound to the request body it was first used with.
package struct IdempotencyClaim: Hashable, Sendable {
    /// How long a key is kept: 7 days.
    package static let lifetime = Duration.seconds(7 * 86_400)

    package var key: String
    package var workflow: String
    /// SHA-256 of the canonical request body.
    package var digest: [UInt8]
    package var execution: ExecutionID
    package var at: Timestamp

    package init(key: String, workflow: String, digest: [UInt8], execution: ExecutionID, at: Timestamp) {
        self.key = key
        self.workflow = workflow
        self.digest = digest
        self.execution = execution
        self.at = at
    }
}
