import GRDB
import WorkflowEngine
import WorkflowModel

/// What the writer knows of the file as of the last commit.
struct CommittedState {
    var nextPosition: Int64
    var nextNumber: Int64
    var epoch: Int64

    init(_ database: Database) throws {
        // Rows of `record` and `execution` are never deleted, so a number that was used is never the next one again.
        nextPosition = (try database.integer("SELECT max(position) FROM record") ?? 0) + 1
        nextNumber = (try database.integer("SELECT max(number) FROM execution") ?? 0) + 1
        epoch = try database.integer("SELECT epoch FROM shard WHERE shard = 0") ?? 0
    }
}

/// The work of one transaction: checks each request before it writes anything of it, so that a refused one leaves no
/// trace and costs the others nothing. What it learns counts only once the transaction is committed.
struct WriteBatch {
    let statements: WriterStatements
    private(set) var state: CommittedState
    private(set) var changed: [ExecutionID: ExecutionEntry] = [:]
    private(set) var events: [CommittedEvent] = []

    init(_ statements: WriterStatements, _ state: CommittedState) {
        self.statements = statements
        self.state = state
    }

    // Leases.

    func check(_ lease: JournalLease) throws(JournalError) {
        guard lease.shard == 0, lease.epoch == state.epoch else {
            throw JournalError(.staleLease, "the lease (shard \(lease.shard), epoch \(lease.epoch)) was taken over")
        }
    }

    mutating func acquireLease(shard: Int) throws -> JournalLease {
        guard shard == 0 else { throw JournalError(.staleLease, "this journal has one shard, 0, and not \(shard)") }
        statements.raiseEpoch.bind(1, 0)
        statements.raiseEpoch.bind(2, state.epoch + 1)
        try statements.raiseEpoch.run()
        state.epoch += 1
        return JournalLease(shard: 0, epoch: state.epoch)
    }

    // Appending.

    /// - Throws: `JournalError` when the request is refused, `SQLiteFailure` when the transaction cannot go on.
    mutating func append(_ request: AppendRequest, cache: inout ExecutionCache) throws -> AppendReceipt {
        try RequestCheck.check(request)
        let known = try entry(of: request.execution, &cache)
        guard known?.version ?? 0 == request.expectedVersion else {
            throw JournalError(
                .versionConflict,
                "\(request.execution) stands at version \(known?.version ?? 0), not \(request.expectedVersion)")
        }
        if let claim = request.idempotency { try check(claim) }

        var entry = known ?? ExecutionEntry(number: state.nextNumber, version: 0, isOpen: true)
        let isFinal = request.records.contains { $0.event?.isFinal == true }
        if known == nil {
            state.nextNumber += 1
            try insertExecution(request, number: entry.number)
        } else if let summary = request.summary, summary != entry.summary {
            try update(summary, number: entry.number)
        }
        try writeTimer(request, &entry, isNew: known == nil, isFinal: isFinal)
        if let summary = request.summary { entry.summary = summary }
        for record in request.records { try insert(record, request.execution, entry.number) }
        entry.version += request.records.count
        for approval in request.approvals { try put(approval, entry.number) }
        if let claim = request.idempotency { try insert(claim) }
        changed[request.execution] = entry
        return AppendReceipt(position: JournalPosition(rawValue: state.nextPosition - 1))
    }

    private func entry(of execution: ExecutionID, _ cache: inout ExecutionCache) throws -> ExecutionEntry? {
        if let entry = changed[execution] ?? cache.entry(of: execution) { return entry }
        statements.findExecution.bind(1, execution.bytes)
        return try statements.findExecution.firstRow { row in
            ExecutionEntry(
                number: row.integer(0), version: Int(row.integer(1)), isOpen: row.integer(2) != 0,
                dueAt: row.optionalInteger(3).map(Timestamp.init(microseconds:)))
        }
    }

    private mutating func insert(_ record: JournalRecord, _ execution: ExecutionID, _ number: Int64) throws {
        let statement = statements.insertRecord
        statement.bind(1, state.nextPosition)
        statement.bind(2, number)
        statement.bind(3, record.version)
        statement.bind(4, record.kind)
        if let event = record.event {
            statement.bind(5, event.sequence)
            statement.bind(6, event.type)
            statement.bind(7, event.time.microseconds)
            statement.bind(8, event.isFinal)
            statement.bind(9, event.bytes)
            events.append(CommittedEvent(position: JournalPosition(rawValue: state.nextPosition), event: event))
        } else {
            for parameter in Int32(5)...9 { statement.bindNull(parameter) }
        }
        statement.bind(10, record.payload)
        try statement.run()
        state.nextPosition += 1
    }

    private func put(_ approval: ApprovalSummary, _ number: Int64) throws {
        let statement = statements.putApproval
        statement.bind(1, approval.id)
        statement.bind(2, number)
        statement.bind(3, approval.status.storedNumber)
        statement.bind(4, approval.details)
        try statement.run()
    }

    private func insertExecution(_ request: AppendRequest, number: Int64) throws {
        let statement = statements.insertExecution
        let event = request.records.lazy.compactMap(\.event).first
        statement.bind(1, number)
        statement.bind(2, request.execution.bytes)
        statement.bind(3, request.summary?.workflow ?? event?.workflow ?? "")
        statement.bind(4, event?.traceparent)
        if let summary = request.summary {
            bind(summary, to: statement, from: 5)
        } else {
            for parameter in Int32(5)...9 { statement.bindNull(parameter) }
        }
        try statement.run()
    }

    private func update(_ summary: ExecutionSummary, number: Int64) throws {
        statements.updateExecution.bind(1, number)
        bind(summary, to: statements.updateExecution, from: 2)
        try statements.updateExecution.run()
    }

    private func bind(_ summary: ExecutionSummary, to statement: SQLStatement, from first: Int32) {
        statement.bind(first, summary.revision)
        statement.bind(first + 1, summary.status.storedNumber)
        statement.bind(first + 2, summary.startedAt.microseconds)
        statement.bind(first + 3, summary.endedAt?.microseconds)
        statement.bind(first + 4, summary.inputsDigest)
    }

    /// Keeps the row of `open_execution`: there while the execution is open, with its timer.
    private func writeTimer(
        _ request: AppendRequest, _ entry: inout ExecutionEntry, isNew: Bool, isFinal: Bool
    ) throws {
        if isFinal || !entry.isOpen {
            if entry.isOpen, !isNew {
                statements.closeExecution.bind(1, request.execution.bytes)
                try statements.closeExecution.run()
            }
            entry.isOpen = false
            entry.dueAt = nil
            return
        }
        let before = entry.dueAt
        switch request.timer {
        case .unchanged: break
        case .set(let time): entry.dueAt = time
        case .cleared: entry.dueAt = nil
        }
        guard isNew || entry.dueAt != before else { return }
        let statement = isNew ? statements.openExecution : statements.setTimer
        statement.bind(1, request.execution.bytes)
        statement.bind(2, entry.dueAt?.microseconds)
        try statement.run()
    }

    // Idempotency keys.

    private func check(_ claim: IdempotencyClaim) throws {
        statements.findKey.bind(1, claim.workflow)
        statements.findKey.bind(2, claim.key)
        let claimedAt = try statements.findKey.firstRow { Timestamp(microseconds: $0.integer(0)) }
        if let claimedAt, claim.at < claimedAt + IdempotencyClaim.lifetime {
            throw JournalError(
                .idempotencyKeyTaken, "the idempotency key was used for \(claim.workflow) at \(claimedAt)")
        }
    }

    private func insert(_ claim: IdempotencyClaim) throws {
        let statement = statements.insertKey
        statement.bind(1, claim.workflow)
        statement.bind(2, claim.key)
        statement.bind(3, claim.digest)
        statement.bind(4, claim.execution.bytes)
        statement.bind(5, claim.at.microseconds)
        try statement.run()
    }

    /// Removes keys that ended their lifetime by `now`, some at a time.
    func purgeKeys(now: Timestamp, countMax: Int) throws {
        statements.purgeKeys.bind(1, (now + (.zero - IdempotencyClaim.lifetime)).microseconds)
        statements.purgeKeys.bind(2, countMax)
        try statements.purgeKeys.run()
    }

    func setPublished(_ position: JournalPosition) throws {
        statements.setPublished.bind(1, 0)
        statements.setPublished.bind(2, position.rawValue)
        try statements.setPublished.run()
    }
}
