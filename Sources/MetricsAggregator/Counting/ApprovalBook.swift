import WorkflowModel

/// Approvals that are not settled, and halves of those whose events came out of order.
struct ApprovalBook: Hashable {
    struct Key: Hashable {
        var execution: ExecutionID
        var approval: String
        var text: String { "\(execution)/\(approval)" }
    }

    struct Entry: Hashable {
        var workflow: String
        var request: Request?
        var settlement: Settlement?
        /// Of the notice with this stage; the request is 0.
        var stage = -1
        var deadline: Timestamp?
    }

    struct Request: Hashable {
        var kind: ApprovalKind
        var time: Timestamp
    }

    struct Settlement: Hashable {
        var status: ApprovalStatus
        var time: Timestamp
    }

    private(set) var entries: [Key: Entry] = [:]
    /// Since the last commit.
    private(set) var changed: Set<Key> = []

    mutating func requested(
        _ key: Key, _ request: Request, deadline: Timestamp?, workflow: String, _ figures: inout Figures
    ) {
        var entry = entries[key] ?? Entry(workflow: workflow)
        guard entry.request == nil else { return }
        entry.request = request
        if entry.stage < 0 { (entry.stage, entry.deadline) = (0, deadline) }
        figures.count(workflow) { figures in
            figures.approvals[request.kind.place].requested += 1
            if entry.settlement == nil { figures.approvals[request.kind.place].pending += 1 }
        }
        if let settlement = entry.settlement { Self.settle(request, settlement, workflow, &figures) }
        keep(entry.settlement == nil ? entry : nil, key)
    }

    mutating func noticed(_ key: Key, stage: Int, deadline: Timestamp?, workflow: String) {
        var entry = entries[key] ?? Entry(workflow: workflow)
        guard stage > entry.stage else { return }
        (entry.stage, entry.deadline) = (stage, deadline)
        keep(entry, key)
    }

    mutating func settled(_ key: Key, _ settlement: Settlement, workflow: String, _ figures: inout Figures) {
        var entry = entries[key] ?? Entry(workflow: workflow)
        guard entry.settlement == nil else { return }
        entry.settlement = settlement
        guard let request = entry.request else { return keep(entry, key) }
        figures.count(workflow) { $0.approvals[request.kind.place].pending -= 1 }
        Self.settle(request, settlement, workflow, &figures)
        keep(nil, key)
    }

    /// Nothing more comes of the execution.
    mutating func forget(_ key: Key, _ figures: inout Figures) {
        guard let entry = entries[key] else { return }
        if let request = entry.request, entry.settlement == nil {
            figures.count(entry.workflow) { $0.approvals[request.kind.place].pending -= 1 }
        }
        keep(nil, key)
    }

    /// The oldest request and the earliest deadline of those that wait.
    var times: Figures.ApprovalTimes {
        var times = Figures.ApprovalTimes()
        for entry in entries.values where entry.settlement == nil {
            guard let request = entry.request else { continue }
            times.oldestRequest = min(times.oldestRequest ?? request.time, request.time)
            if let deadline = entry.deadline { times.nextDeadline = min(times.nextDeadline ?? deadline, deadline) }
        }
        return times
    }

    mutating func takeChanged() -> Set<Key> {
        defer { changed = [] }
        return changed
    }

    private mutating func keep(_ entry: Entry?, _ key: Key) {
        entries[key] = entry
        changed.insert(key)
    }

    private static func settle(
        _ request: Request, _ settlement: Settlement, _ workflow: String, _ figures: inout Figures
    ) {
        figures.count(workflow) { $0.approvals[request.kind.place].decided[settlement.status.place] += 1 }
        let wait = max(0, (settlement.time - request.time).microseconds)
        figures.totals.approvalWait[request.kind.place].record(UInt64(wait))
    }
}

extension ApprovalBook.Entry {
    var stored: [UInt8] {
        var writer = StoredWriter()
        writer.text(workflow)
        writer.optional(request) { writer, request in
            writer.count(request.kind.place)
            writer.signed(request.time.microseconds)
        }
        writer.optional(settlement) { writer, settlement in
            writer.count(settlement.status.place)
            writer.signed(settlement.time.microseconds)
        }
        writer.signed(Int64(stage))
        writer.optional(deadline) { $0.signed($1.microseconds) }
        return writer.bytes
    }

    init(stored bytes: [UInt8]) throws(StoredFault) {
        var reader = StoredReader(bytes)
        workflow = try reader.text()
        request = try reader.optional { (reader: inout StoredReader) throws(StoredFault) in
            ApprovalBook.Request(kind: try reader.choice(), time: try reader.time())
        }
        settlement = try reader.optional { (reader: inout StoredReader) throws(StoredFault) in
            ApprovalBook.Settlement(status: try reader.choice(), time: try reader.time())
        }
        stage = Int(truncatingIfNeeded: try reader.signed())
        deadline = try reader.optional { (reader: inout StoredReader) throws(StoredFault) in try reader.time() }
    }
}

extension ApprovalBook {
    mutating func load(_ name: Substring, _ bytes: [UInt8]) throws(StoredFault) {
        let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let execution = ExecutionID(parts[0]) else { throw StoredFault() }
        entries[Key(execution: execution, approval: String(parts[1]))] = try Entry(stored: bytes)
    }
}

extension StoredReader {
    mutating func time() throws(StoredFault) -> Timestamp { Timestamp(microseconds: try signed()) }

    /// The case at a stored place.
    mutating func choice<Choice: CaseIterable>() throws(StoredFault) -> Choice where Choice.AllCases.Index == Int {
        let place = try count()
        guard Choice.allCases.indices.contains(place) else { throw StoredFault() }
        return Choice.allCases[place]
    }
}
