import Synchronization
package import WorkflowEngine
package import WorkflowModel

/// A journal for simulators: keeps every promise of the port in memory, with no thread, no clock and no chance.
///
/// A crash is `crash()`: the old journal is dead, the new one holds what was committed. While commits are held, appends
/// wait as they do for a disk; what waits at a crash is lost.
package final class InMemoryJournal: Journal {
    private struct Held {
        var requests: [AppendRequest]
        var lease: JournalLease
        var waiting: CheckedContinuation<[Result<AppendReceipt, JournalError>], Never>
    }

    private struct Live {
        var committed: InMemoryJournalState
        /// Not durable before the next commit.
        var notedPublished: JournalPosition?
        var tap: (@Sendable ([CommittedEvent]) -> Void)?
        var faults: [InMemoryJournalFault] = []
        var isHolding = false
        var held: [Held] = []
        var isClosed = false
        /// The next reads fail with these.
        var recordFaults: [JournalError] = []
        var listFaults: [JournalError] = []
        /// What `check` throws.
        var checkFault: JournalError?
        var isHoldingDefinitions = false
        var heldDefinitions: [CheckedContinuation<Void, Never>] = []
    }

    private let live: Mutex<Live>
    private let now: @Sendable () -> Timestamp

    /// - Parameter now: dates the reading of idempotency keys.
    package convenience init(now: @escaping @Sendable () -> Timestamp) {
        self.init(InMemoryJournalState(), now: now)
    }

    private init(_ committed: InMemoryJournalState, now: @escaping @Sendable () -> Timestamp) {
        live = Mutex(Live(committed: committed, notedPublished: committed.published))
        self.now = now
    }

    // MARK: What a simulator does to it

    /// The fault befalls the next append that has none yet; each is used once, in order.
    package func inject(_ fault: InMemoryJournalFault) { live.withLock { $0.faults.append(fault) } }

    /// How many injected faults have not befallen an append yet.
    package var pendingFaultCount: Int { live.withLock { $0.faults.count } }

    /// From now on appends wait for `releaseCommits`.
    package func holdCommits() { live.withLock { $0.isHolding = true } }

    /// How many appends wait.
    package var heldCommitCount: Int { live.withLock { $0.held.count } }

    /// Commits what waits, in order, and holds no longer.
    package func releaseCommits() {
        let held = live.withLock { live in
            live.isHolding = false
            defer { live.held = [] }
            return live.held
        }
        for append in held { append.waiting.resume(returning: commit(append.requests, append.lease)) }
    }

    /// The next reads of records fail with these, one each.
    package func failRecords(_ errors: [JournalError]) { live.withLock { $0.recordFaults += errors } }

    /// The next reads of the list of open executions fail with these, one each.
    package func failLists(_ errors: [JournalError]) { live.withLock { $0.listFaults += errors } }

    /// The answer to the next reading of a definition, as it is at that moment, is held back.
    package func holdNextDefinition() { live.withLock { $0.isHoldingDefinitions = true } }

    /// How many readings of definitions are held back.
    package var heldDefinitionCount: Int { live.withLock { $0.heldDefinitions.count } }

    package func releaseDefinitions() {
        let held = live.withLock { live in
            live.isHoldingDefinitions = false
            defer { live.heldDefinitions = [] }
            return live.heldDefinitions
        }
        for reading in held { reading.resume() }
    }

    private func fail(_ faults: WritableKeyPath<Live, [JournalError]>) throws(JournalError) {
        let fault = live.withLock { live -> JournalError? in
            live[keyPath: faults].isEmpty ? nil : live[keyPath: faults].removeFirst()
        }
        if let fault { throw fault }
    }

    /// Kills this journal and gives the one that the next process opens: what was committed, and nothing else.
    package func crash() -> InMemoryJournal {
        let (committed, held) = live.withLock { live in
            live.isClosed = true
            live.tap = nil
            defer { live.held = [] }
            return (live.committed, live.held)
        }
        for append in held { append.waiting.resume(returning: Self.failures(Self.closed, append.requests)) }
        return InMemoryJournal(committed, now: now)
    }

    /// Somebody else acquires the lease: every earlier one is stale. Gives theirs.
    package func takeLeaseOver(shard: Int = 0) throws(JournalError) -> JournalLease {
        try writing { (state) throws(JournalError) in try state.acquireLease(shard: shard) }
    }

    // MARK: The port

    package func append(
        _ requests: [AppendRequest], lease: JournalLease
    ) async -> [Result<AppendReceipt, JournalError>] {
        if requests.isEmpty { return [] }
        guard live.withLock({ $0.isHolding && !$0.isClosed }) else { return commit(requests, lease) }
        return await withCheckedContinuation { waiting in
            let isHeld = live.withLock { live in
                let isHeld = live.isHolding && !live.isClosed
                if isHeld { live.held.append(Held(requests: requests, lease: lease, waiting: waiting)) }
                return isHeld
            }
            if !isHeld { waiting.resume(returning: commit(requests, lease)) }
        }
    }

    private func commit(_ requests: [AppendRequest], _ lease: JournalLease) -> [Result<AppendReceipt, JournalError>] {
        live.withLock { live in
            if live.isClosed { return Self.failures(Self.closed, requests) }
            let fault = live.faults.isEmpty ? nil : live.faults.removeFirst()
            let unknown = JournalError(.unknownOutcome, "the commit was not answered")
            switch fault {
            case .refuse(let error): return Self.failures(error, requests)
            case .loseAndNotAnswer: return Self.failures(unknown, requests)
            case .takeLeaseOver: _ = try? live.committed.acquireLease(shard: lease.shard)
            case .commitAndNotAnswer, nil: break
            }
            let before = live.committed.events.count
            var results: [Result<AppendReceipt, JournalError>] = []
            for request in requests {
                do throws(JournalError) {
                    results.append(.success(try live.committed.append(request, lease: lease)))
                } catch {
                    results.append(.failure(error))
                }
            }
            if results.contains(where: { (try? $0.get()) != nil }) { live.committed.published = live.notedPublished }
            let events = Array(live.committed.events[before...])
            // Under the lock, so that the calls come one at a time and in order; a tap returns at once.
            if !events.isEmpty { live.tap?(events) }
            if case .commitAndNotAnswer = fault { return Self.failures(unknown, requests) }
            return results
        }
    }

    package func acquireLease(shard: Int) async throws(JournalError) -> JournalLease {
        try takeLeaseOver(shard: shard)
    }

    package func records(of execution: ExecutionID, after version: Int) async throws(JournalError) -> [JournalRecord] {
        try fail(\.recordFaults)
        return try read { Array(($0.executions[execution]?.records ?? []).drop { $0.version <= version }) }
    }

    package func open(shard: Int, after: ExecutionID?, limit: Int) async throws(JournalError) -> [ExecutionID] {
        try fail(\.listFaults)
        return try read { state in
            let open = state.executions.filter { id, execution in execution.isOpen && (after.map { $0 < id } ?? true) }
            return shard == 0 ? Array(open.keys.sorted().prefix(max(0, limit))) : []
        }
    }

    package func due(shard: Int, until: Timestamp, limit: Int) async throws(JournalError) -> [DueTimer] {
        try read { state in
            let due = state.executions.compactMap { id, execution in
                execution.dueAt.flatMap { $0 <= until ? DueTimer(execution: id, at: $0) : nil }
            }
            let sorted = due.sorted { ($0.at, $0.execution) < ($1.at, $1.execution) }
            return shard == 0 ? Array(sorted.prefix(max(0, limit))) : []
        }
    }

    package func events(
        after position: JournalPosition?, shard: Int, limit: Int
    ) async throws(JournalError) -> [CommittedEvent] {
        try read { state in
            let rest = state.events.drop { event in position.map { event.position <= $0 } ?? false }
            return shard == 0 ? Array(rest.prefix(max(0, limit))) : []
        }
    }

    package func countEvents(after position: JournalPosition?, shard: Int) async throws(JournalError) -> Int {
        try await events(after: position, shard: shard, limit: .max).count
    }

    package func events(
        of execution: ExecutionID, after sequence: Int, limit: Int
    ) async throws(JournalError) -> [EncodedEvent] {
        try read { state in
            let events = (state.executions[execution]?.records ?? []).lazy.compactMap(\.event)
            return Array(events.filter { $0.sequence > sequence }.prefix(max(0, limit)))
        }
    }

    package func setCommitTap(_ tap: (@Sendable ([CommittedEvent]) -> Void)?) { live.withLock { $0.tap = tap } }

    package func publishedPosition(shard: Int) async throws(JournalError) -> JournalPosition? {
        try live.withLock { (live) throws(JournalError) in
            if live.isClosed { throw Self.closed }
            return shard == 0 ? live.notedPublished : nil
        }
    }

    package func notePublished(_ position: JournalPosition, lease: JournalLease) async {
        live.withLock { live in
            guard !live.isClosed, (try? live.committed.check(lease)) != nil else { return }
            live.notedPublished = max(position, live.notedPublished ?? position)
        }
    }

    package func putDefinition(
        _ definition: StoredDefinition.Draft, lease: JournalLease
    ) async throws(JournalError) -> StoredDefinition {
        try writing { (state) throws(JournalError) in
            try state.check(lease)
            return state.putDefinition(definition)
        }
    }

    package func definition(named name: String, revision: Int?) async throws(JournalError) -> StoredDefinition? {
        let found: StoredDefinition? = try read { state in
            if let revision { return state.definitions[name]?.first { $0.revision == revision } }
            return state.listedDefinitions.contains(name) ? state.definitions[name]?.last : nil
        }
        await withCheckedContinuation { reading in
            // Of two readings at once only one is held back.
            let isHeld = live.withLock { live in
                guard live.isHoldingDefinitions else { return false }
                live.isHoldingDefinitions = false
                live.heldDefinitions.append(reading)
                return true
            }
            if !isHeld { reading.resume() }
        }
        return found
    }

    package func definitions(after name: String?, limit: Int) async throws(JournalError) -> [StoredDefinition] {
        try read { state in
            // Names sort by their bytes.
            let names = state.listedDefinitions.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                .drop { listed in name.map { !$0.utf8.lexicographicallyPrecedes(listed.utf8) } ?? false }
            return names.prefix(max(0, limit)).compactMap { state.definitions[$0]?.last }
        }
    }

    package func deleteDefinition(named name: String, lease: JournalLease) async throws(JournalError) -> Bool {
        try writing { (state) throws(JournalError) in
            try state.check(lease)
            return state.listedDefinitions.remove(name) != nil
        }
    }

    package func summary(of execution: ExecutionID) async throws(JournalError) -> ExecutionSummary? {
        try read { $0.summary(execution) }
    }

    package func summaries(_ filter: ExecutionFilter, limit: Int) async throws(JournalError) -> [ExecutionSummary] {
        try read { state in
            let newestFirst = state.executions.keys.sorted(by: >)
                .filter { id in filter.before.map { id < $0 } ?? true }
            let matching = newestFirst.lazy.compactMap { state.summary($0) }.filter { summary in
                (filter.workflow ?? summary.workflow) == summary.workflow
                    && (filter.status ?? summary.status) == summary.status
            }
            return Array(matching.prefix(max(0, limit)))
        }
    }

    package func approvals(_ filter: ApprovalFilter, limit: Int) async throws(JournalError) -> [ApprovalSummary] {
        try read { state in
            let end = filter.before.map { id in state.approvals.firstIndex { $0.id == id } ?? 0 }
            let matching = state.approvals.prefix(end ?? state.approvals.count).reversed().lazy.filter { approval in
                (filter.workflow ?? approval.workflow) == approval.workflow
                    && (filter.status ?? approval.status) == approval.status
            }
            return Array(matching.prefix(max(0, limit)))
        }
    }

    package func idempotencyKey(_ key: String, workflow: String) async throws(JournalError) -> IdempotencyClaim? {
        let now = now()
        return try read { state in
            state.claims[InMemoryJournalState.ClaimKey(workflow: workflow, key: key)]
                .flatMap { now < $0.at + IdempotencyClaim.lifetime ? $0 : nil }
        }
    }

    package func check() async throws(JournalError) {
        if let error = live.withLock({ $0.checkFault }) { throw error }
    }

    /// What `check` throws from now on.
    package func failChecks(_ error: JournalError) { live.withLock { $0.checkFault = error } }

    package func close() async {
        releaseCommits()
        live.withLock { live in
            live.committed.published = live.notedPublished
            live.isClosed = true
        }
    }

    // MARK: Access

    private func read<Value: Sendable>(
        _ body: @Sendable (InMemoryJournalState) -> Value
    ) throws(JournalError) -> Value {
        let committed = try live.withLock { (live) throws(JournalError) in
            if live.isClosed { throw Self.closed }
            return live.committed
        }
        return body(committed)
    }

    private func writing<Value: Sendable>(
        _ body: (inout InMemoryJournalState) throws(JournalError) -> Value
    ) throws(JournalError) -> Value {
        try live.withLock { (live) throws(JournalError) in
            if live.isClosed { throw Self.closed }
            return try body(&live.committed)
        }
    }

    private static let closed = JournalError(.closed, "the journal is closed")

    private static func failures(
        _ error: JournalError, _ requests: [AppendRequest]
    ) -> [Result<AppendReceipt, JournalError>] {
        Array(repeating: .failure(error), count: requests.count)
    }
}
