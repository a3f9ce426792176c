import WorkflowModel

/// What is counted of one workflow.
struct WorkflowFigures: Hashable {
    var started: UInt64 = 0
    /// Executions whose final event has not come.
    var open: Int64 = 0
    var skippedSteps: UInt64 = 0
    /// By `RunStatus`.
    var finished: [UInt64] = Array(repeating: 0, count: RunStatus.allCases.count)
    var durations: [DurationHistogram] = Array(repeating: DurationHistogram(.run), count: RunStatus.allCases.count)
    /// By `ApprovalKind`.
    var approvals: [ApprovalFigures] = Array(repeating: ApprovalFigures(), count: ApprovalKind.allCases.count)
    /// Since the last commit.
    var isChanged = false

    struct ApprovalFigures: Hashable {
        var requested: UInt64 = 0
        var pending: Int64 = 0
        /// By `ApprovalStatus`.
        var decided: [UInt64] = Array(repeating: 0, count: ApprovalStatus.allCases.count)
    }

    init() {}
}

extension WorkflowFigures {
    var stored: [UInt8] {
        var writer = StoredWriter()
        writer.unsigned(started)
        writer.signed(open)
        writer.unsigned(skippedSteps)
        for (count, durations) in zip(finished, durations) {
            writer.unsigned(count)
            durations.write(to: &writer)
        }
        for approvals in approvals {
            writer.unsigned(approvals.requested)
            writer.signed(approvals.pending)
            for count in approvals.decided { writer.unsigned(count) }
        }
        return writer.bytes
    }

    init(stored bytes: [UInt8]) throws(StoredFault) {
        var reader = StoredReader(bytes)
        started = try reader.unsigned()
        open = try reader.signed()
        skippedSteps = try reader.unsigned()
        for status in finished.indices {
            finished[status] = try reader.unsigned()
            durations[status] = try DurationHistogram(.run, &reader)
        }
        for kind in approvals.indices {
            approvals[kind].requested = try reader.unsigned()
            approvals[kind].pending = try reader.signed()
            for status in approvals[kind].decided.indices { approvals[kind].decided[status] = try reader.unsigned() }
        }
    }
}

extension CaseIterable where Self: Equatable, AllCases.Index == Int {
    /// Its place among all cases.
    var place: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
