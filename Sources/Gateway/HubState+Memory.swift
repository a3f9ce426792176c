import EventBus
import WorkflowModel

/// Which executions memory holds.
extension HubState {
    mutating func entry(of execution: ExecutionID) -> Entry {
        if let entry = entries[execution] { return entry }
        let log =
            isBeyondRetention(execution)
            ? ExecutionLog.withoutBeginning() : ExecutionLog(isComplete: execution.time >= coldBefore)
        let entry = Entry(log: log)
        entries[execution] = entry
        memoryBytes += Self.entryOverheadBytes
        return entry
    }

    /// - Returns: false for an event that is held already.
    mutating func insert(_ event: EncodedEvent, into entry: Entry) -> Bool {
        let before = entry.log.byteCount
        let wasFinished = entry.log.final != nil
        guard entry.log.insert(event) else { return false }
        memoryBytes += entry.log.byteCount - before
        if !wasFinished, entry.log.final != nil { finished.append(event.executionID) }
        return true
    }

    /// Gives memory back until the budget holds: finished executions first, the oldest before younger ones.
    mutating func keepBudget() {
        guard memoryBytes > configuration.memoryBytesMax else { return }
        // Some more than needed, so that not every batch has to look for a victim.
        let target = configuration.memoryBytesMax / 10 * 9
        while memoryBytes > target, let execution = finished.popFirst() { evict(execution) }
        guard memoryBytes > target else { return }
        for execution in entries.keys.sorted() {
            guard memoryBytes > target else { return }
            evict(execution)
        }
    }

    private mutating func evict(_ execution: ExecutionID) {
        guard let entry = entries[execution] else { return }
        memoryBytes -= entry.log.byteCount
        coldBefore = max(coldBefore, Timestamp(microseconds: execution.time.microseconds + 1))
        if entry.clients.isEmpty, !entry.scan.isRunning {
            entries[execution] = nil
            memoryBytes -= Self.entryOverheadBytes
        } else {
            entry.log.evict()
        }
    }

    /// Keeps the knowledge that nobody knows an execution for a while.
    mutating func rememberUnknown(_ execution: ExecutionID, now: ContinuousClock.Instant) {
        unknown.append((execution, now + configuration.unknownRetention))
        forgetUnknown(now: now)
    }

    mutating func forgetUnknown(now: ContinuousClock.Instant) {
        while let first = unknown.first, first.until <= now || unknown.count > configuration.unknownCountMax {
            unknown.removeFirst()
            guard let entry = entries[first.execution], entry.clients.isEmpty, entry.log.isEmpty,
                !entry.scan.isRunning
            else { continue }
            entries[first.execution] = nil
            memoryBytes -= Self.entryOverheadBytes
        }
    }
}
