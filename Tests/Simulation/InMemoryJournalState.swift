import WorkflowEngine
import WorkflowModel

/// What an `InMemoryJournal` has committed: a value, so that a crash is a copy.
struct InMemoryJournalState: Sendable {
    struct Execution: Sendable {
        var records: [JournalRecord] = []
        var summary: ExecutionSummary?
        var isOpen = true
        var dueAt: Timestamp?
    }

    struct ClaimKey: Hashable, Sendable {
        var workflow: String
        var key: String
    }

    var epochs: [Int: Int64] = [:]
    var executions: [ExecutionID: Execution] = [:]
    var events: [CommittedEvent] = []
    var lastPosition: Int64 = 0
    var claims: [ClaimKey: IdempotencyClaim] = [:]
    /// Every revision, in order.
    var definitions: [String: [StoredDefinition]] = [:]
    /// Names that are listed.
    var listedDefinitions: Set<String> = []
    var published: JournalPosition?
    /// In the order they were asked for.
    var approvals: [ApprovalSummary] = []

    func check(_ lease: JournalLease) throws(JournalError) {
        guard lease.shard == 0, lease.epoch == epochs[0] ?? 0 else {
            throw JournalError(.staleLease, "the lease (shard \(lease.shard), epoch \(lease.epoch)) was taken over")
        }
    }

    mutating func acquireLease(shard: Int) throws(JournalError) -> JournalLease {
        guard shard == 0 else { throw JournalError(.staleLease, "this journal has one shard, 0, and not \(shard)") }
        let epoch = (epochs[shard] ?? 0) + 1
        epochs[shard] = epoch
        return JournalLease(shard: shard, epoch: epoch)
    }

    mutating func append(_ request: AppendRequest, lease: JournalLease) throws(JournalError) -> AppendReceipt {
        try check(lease)
        var execution = executions[request.execution] ?? Execution()
        let expected = request.expectedVersion
        guard execution.records.count == expected,
            request.records.enumerated().allSatisfy({ $1.version == expected + 1 + $0 }),
            request.records.allSatisfy({ ($0.event?.sequence ?? 1) >= 1 && ($0.event?.sequence ?? 0) <= $0.version })
        else {
            throw JournalError(
                .versionConflict,
                "\(request.execution) stands at version \(execution.records.count), not \(expected)")
        }
        if let claim = request.idempotency {
            let key = ClaimKey(workflow: claim.workflow, key: claim.key)
            if let earlier = claims[key], claim.at < earlier.at + IdempotencyClaim.lifetime {
                throw JournalError(.idempotencyKeyTaken, "the idempotency key was used at \(earlier.at)")
            }
            claims[key] = claim
        }
        for record in request.records {
            lastPosition += 1
            guard let event = record.event else { continue }
            events.append(CommittedEvent(position: JournalPosition(rawValue: lastPosition), event: event))
            if event.isFinal { execution.isOpen = false }
        }
        execution.records += request.records
        if let summary = request.summary { execution.summary = summary }
        switch request.timer {
        case .unchanged: break
        case .set(let time): execution.dueAt = time
        case .cleared: execution.dueAt = nil
        }
        if !execution.isOpen { execution.dueAt = nil }
        for approval in request.approvals {
            if let index = approvals.firstIndex(where: { $0.id == approval.id }) { approvals[index] = approval } else {
                approvals.append(approval)
            }
        }
        executions[request.execution] = execution
        return AppendReceipt(position: JournalPosition(rawValue: lastPosition))
    }

    mutating func putDefinition(_ draft: StoredDefinition.Draft) -> StoredDefinition {
        listedDefinitions.insert(draft.name)
        if let newest = definitions[draft.name]?.last, newest.source == draft.source, newest.format == draft.format {
            return newest
        }
        let stored = StoredDefinition(
            name: draft.name, revision: (definitions[draft.name]?.last?.revision ?? 0) + 1, format: draft.format,
            source: draft.source, createdAt: draft.at)
        definitions[draft.name, default: []].append(stored)
        return stored
    }

    func summary(_ execution: ExecutionID) -> ExecutionSummary? {
        guard let known = executions[execution], var summary = known.summary else { return nil }
        summary.isOpen = known.isOpen
        return summary
    }
}
