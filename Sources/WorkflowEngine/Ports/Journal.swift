package import WorkflowModel

/// The durable, ordered memory of every execution: the source of truth and the outbox of the bus.
///
/// Promises every implementation passes the same suite for (`Tests/JournalContract`):
/// - `append` is atomic for each execution and durable when it returns; it refuses a wrong `expectedVersion` and a
///   stale lease, and a refused or failed request leaves no trace.
/// - `events(after:shard:limit:)` gives committed events in one order; nothing is ever committed *before* a position
///   already handed out. No caller does arithmetic on positions or assumes to be the only orchestrator.
package protocol Journal: Sendable {
    /// Takes the shard over: the epoch rises by one and every earlier lease becomes stale.
    func acquireLease(shard: Int) async throws(JournalError) -> JournalLease

    /// Appends durably; results stand in the order of the requests, one each.
    func append(_ requests: [AppendRequest], lease: JournalLease) async -> [Result<AppendReceipt, JournalError>]

    /// The records of one execution in version order, after the given version.
    func records(of execution: ExecutionID, after version: Int) async throws(JournalError) -> [JournalRecord]

    /// Executions without a final event, oldest first, after the given one.
    func open(shard: Int, after: ExecutionID?, limit: Int) async throws(JournalError) -> [ExecutionID]

    /// Executions whose next timer is due at or before `until`, soonest first.
    func due(shard: Int, until: Timestamp, limit: Int) async throws(JournalError) -> [DueTimer]

    /// Public events committed after the position, in commit order; nil reads from the start.
    func events(after position: JournalPosition?, shard: Int, limit: Int) async throws(JournalError) -> [CommittedEvent]

    /// How many public events are committed after the position; a scan, so not for a hot path.
    func countEvents(after position: JournalPosition?, shard: Int) async throws(JournalError) -> Int

    /// The public events of one execution with a sequence above `sequence`, in order.
    func events(of execution: ExecutionID, after sequence: Int, limit: Int) async throws(JournalError) -> [EncodedEvent]

    /// Calls `tap` after each commit with the public events it made durable, in position order, one call at a time.
    ///
    /// The tap must return at once. There is one; setting another replaces it.
    func setCommitTap(_ tap: (@Sendable ([CommittedEvent]) -> Void)?)

    /// The highest position whose events the bus has acknowledged without a gap; kept for buses that cannot.
    func publishedPosition(shard: Int) async throws(JournalError) -> JournalPosition?

    /// Remembers the published position; made durable with a later group commit, so it may be stale after a crash.
    func notePublished(_ position: JournalPosition, lease: JournalLease) async

    // Definitions: every revision is kept.

    /// Stores a new revision unless the newest one has the same source; gives the revision now current.
    func putDefinition(_ definition: StoredDefinition.Draft, lease: JournalLease) async throws(JournalError)
        -> StoredDefinition
    /// The given or the newest revision; nil when unknown or, for the newest, deleted.
    func definition(named name: String, revision: Int?) async throws(JournalError) -> StoredDefinition?
    /// Newest revisions that are not deleted, by name.
    func definitions(after name: String?, limit: Int) async throws(JournalError) -> [StoredDefinition]
    /// Hides the name; revisions stay for the executions pinned to them. False when there was none.
    func deleteDefinition(named name: String, lease: JournalLease) async throws(JournalError) -> Bool

    // The listing of executions.

    func summary(of execution: ExecutionID) async throws(JournalError) -> ExecutionSummary?
    /// Newest first; `filter.before` continues a page.
    func summaries(_ filter: ExecutionFilter, limit: Int) async throws(JournalError) -> [ExecutionSummary]

    /// Approvals, the last one asked for first; `filter.before` continues a page.
    func approvals(_ filter: ApprovalFilter, limit: Int) async throws(JournalError) -> [ApprovalSummary]

    /// What an idempotency key was used for, if it is younger than its lifetime.
    func idempotencyKey(_ key: String, workflow: String) async throws(JournalError) -> IdempotencyClaim?

    /// Looks whether the journal is where it was, without reading it.
    ///
    /// - Throws: `moved` when it is not: nothing can be made durable any more.
    func check() async throws(JournalError)

    /// Finishes what waits and closes; later calls throw `closed`.
    func close() async
}

/// The right to append to a shard; `epoch` rises at every takeover.
package struct JournalLease: Hashable, Sendable {
    package var shard: Int
    package var epoch: Int64
    package init(shard: Int, epoch: Int64) {
        self.shard = shard
        self.epoch = epoch
    }
}

/// A place in the journal's order: opaque, comparable, persistent through `rawValue`.
package struct JournalPosition: RawRepresentable, Hashable, Comparable, Sendable {
    package var rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    package static func < (left: JournalPosition, right: JournalPosition) -> Bool { left.rawValue < right.rawValue }
}

/// A public event and its place.
package struct CommittedEvent: Sendable {
    package var position: JournalPosition
    package var event: EncodedEvent
    package init(position: JournalPosition, event: EncodedEvent) {
        self.position = position
        self.event = event
    }
}

package struct DueTimer: Hashable, Sendable {
    package var execution: ExecutionID
    package var at: Timestamp
    package init(execution: ExecutionID, at: Timestamp) {
        self.execution = execution
        self.at = at
    }
}
