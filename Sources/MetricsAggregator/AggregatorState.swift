import EventBus
import WorkflowModel

/// The counts and what counting needs: a value without I/O, so that any order of events, any batch and any crash can be
/// tried by a test.
///
/// A batch goes: `unknown` says which executions to read from the store, `recall` takes them, `apply` counts each
/// event, `takeChanges` gives what to commit. Everything depends on the events alone, those of one partition on that partition
/// alone, so a rebuild from the topic's beginning comes to the same numbers however partitions interleave.
struct AggregatorState {
    private(set) var figures: Figures
    private var book = ApprovalBook()
    private var partitions: [Int: PartitionPlace] = [:]
    /// Executions in memory; the store has all of them.
    private var records: [ExecutionID: ExecutionRecord] = [:]
    private var changedRecords: [ExecutionID] = []
    private var forgotten: [String] = []
    private let limits: AggregatorLimits

    init(limits: AggregatorLimits) {
        self.limits = limits
        figures = Figures(limits: limits)
    }

    // MARK: - Counting

    /// Executions of the batch that memory does not have.
    func unknown(in batch: some Sequence<DeliveredEvent>) -> Set<ExecutionID> {
        var unknown: Set<ExecutionID> = []
        for delivered in batch where records[delivered.event.executionID] == nil {
            unknown.insert(delivered.event.executionID)
        }
        return unknown
    }

    /// Takes what the store has of them.
    mutating func recall(_ stored: [String: [UInt8]]) throws(StoredFault) {
        for (key, bytes) in stored {
            guard let execution = Self.execution(ofKey: key) else { throw StoredFault() }
            records[execution] = try ExecutionRecord(stored: bytes)
        }
    }

    /// Counts one event, once however often it comes.
    ///
    /// - Parameter ceiling: event times beyond it, of a clock that is wrong, do not move what is forgotten by age.
    mutating func apply(_ delivered: DeliveredEvent, ceiling: Timestamp) {
        let event = delivered.event
        let horizon = move(delivered, ceiling: ceiling)
        guard event.sequence >= 1, event.sequence <= Int(Int32.max) else { return figures.totals.malformed += 1 }
        let execution = event.executionID
        if event.time < horizon, records[execution].map({ $0.final != nil }) ?? true {
            return figures.totals.late += 1
        }
        if records[execution] == nil {
            let label = figures.workflow(event.workflow)
            figures.count(label) { $0.open += 1 }
            records[execution] = ExecutionRecord(partition: delivered.partition, workflow: label)
        }
        count(event, of: execution)
    }

    private mutating func count(_ event: EncodedEvent, of execution: ExecutionID) {
        // In place: a record that were taken out and put back would be copied.
        func with<Value>(_ body: (inout ExecutionRecord) -> Value) -> Value? {
            guard let index = records.index(forKey: execution) else { return nil }
            return body(&records.values[index])
        }
        let rangesMax = limits.rangesMax
        var isFirstChange = false
        var (atStart, inside) = (0, 0)
        let admission = with { record in
            (atStart, inside) = (record.seen.missingAtStart, record.seen.missingInside)
            let admission = record.admit(event, rangesMax: rangesMax)
            atStart = record.seen.missingAtStart - atStart
            inside = record.seen.missingInside - inside
            isFirstChange = admission == .new && !record.isChanged
            if admission == .new { record.isChanged = true }
            return admission
        }
        switch admission {
        case .new: break
        case .duplicate: return figures.totals.duplicates += 1
        case .contradiction, nil: return figures.totals.malformed += 1
        }
        if isFirstChange { changedRecords.append(execution) }
        figures.totals.missingAtStart += Int64(atStart)
        figures.totals.missingInside += Int64(inside)
        figures.totals.upTo = max(figures.totals.upTo ?? event.time, event.time)
        let (place, type) = Totals.place(of: event.type)
        figures.totals.types[place] += 1
        let detail = EventDetail(event, type: type)
        if detail == nil { figures.totals.malformed += 1 }
        guard let index = records.index(forKey: execution) else { return }
        if let detail { records.values[index].count(detail, of: event, &figures, &book) }
        if event.isFinal { figures.count(records.values[index].workflow) { $0.open -= 1 } }
        if records.values[index].isWhole {
            records.values[index].close(execution, &figures, &book)
        } else if !records.values[index].seen.hasGap {
            records.values[index].dropFinishedSteps()
        }
    }

    /// Moves the partition past the event; gives the time before which executions that ended are forgotten.
    private mutating func move(_ delivered: DeliveredEvent, ceiling: Timestamp) -> Timestamp {
        var place = partitions[delivered.partition] ?? PartitionPlace()
        let horizon = place.newest + .microseconds(-limits.retention.microseconds)
        place.nextOffset = delivered.offset + 1
        place.last = PartitionPlace.Last(execution: delivered.event.executionID, sequence: delivered.event.sequence)
        place.newest = max(place.newest, min(delivered.event.time, ceiling))
        place.isChanged = true
        partitions[delivered.partition] = place
        return horizon
    }

    // MARK: - Positions

    /// Where to read on: at the last event of each partition, which shows whether the topic is still the same.
    var resumePositions: [TopicPosition] {
        partitions.map { TopicPosition(partition: $0.key, nextOffset: $0.value.nextOffset - 1) }
            .sorted { $0.partition < $1.partition }
    }

    /// The last event counted of each partition.
    var landmarks: [Int: PartitionPlace] { partitions }

    // MARK: - Forgetting

    /// What ended before this moment is forgotten, in every partition; nil while nothing is counted.
    func oldestRemembered() -> Timestamp? {
        partitions.values.map(\.newest).min().map { $0 + .microseconds(-limits.retention.microseconds) }
    }

    /// Lets go of those among the stored executions that are old enough.
    mutating func forget(_ entries: [ConsumerEntry]) throws(StoredFault) {
        for entry in entries {
            guard let execution = Self.execution(ofKey: entry.key) else { throw StoredFault() }
            var record: ExecutionRecord
            if let known = records[execution] { record = known } else {
                record = try ExecutionRecord(stored: entry.value)
            }
            guard let place = partitions[record.partition], !record.isChanged else { continue }
            let retention = record.final == nil ? limits.openRetention : limits.retention
            guard record.lastTime < place.newest + .microseconds(-retention.microseconds) else { continue }
            if !record.isWhole {
                figures.totals.missingAtStart -= Int64(record.seen.missingAtStart)
                figures.totals.missingInside -= Int64(record.seen.missingInside)
                // An execution without its final event misses at least that.
                let end = record.final == nil ? 1 : 0
                figures.totals.lost += UInt64(record.seen.missingAtStart + record.seen.missingInside + end)
                if record.final == nil { figures.count(record.workflow) { $0.open -= 1 } }
                record.close(execution, &figures, &book)
            }
            records[execution] = nil
            forgotten.append(entry.key)
        }
    }

    // MARK: - The store

    static let recordPrefix = "x/"
    /// Everything but the executions, which are read when they are needed.
    static let loadedPrefixes = ["a/", "f/", "p/", Statistics.storePrefix, "t", "w/"]

    static func key(of execution: ExecutionID) -> String { recordPrefix + execution.description }

    static func execution(ofKey key: String) -> ExecutionID? { ExecutionID(key.dropFirst(recordPrefix.count)) }

    mutating func load(_ entry: ConsumerEntry) throws(StoredFault) {
        let name = entry.key.dropFirst(2)
        switch entry.key.prefix(2) {
        case "a/": try book.load(name, entry.value)
        case "f/": figures.functions[String(name)] = try FunctionFigures(stored: entry.value)
        case "p/":
            guard let number = Int(name) else { throw StoredFault() }
            partitions[number] = try PartitionPlace(stored: entry.value)
        case "s/": try figures.statistics.load(name, entry.value)
        case "t": figures.totals = try Totals(stored: entry.value)
        case "w/": figures.workflows[String(name)] = try WorkflowFigures(stored: entry.value)
        default: throw StoredFault()
        }
    }

    /// After the last `load`.
    mutating func loaded() { figures.approvals = book.times }

    /// What changed since the last time, for one transaction with the positions; memory is trimmed to its limit.
    mutating func takeChanges() -> (changes: [ConsumerChange], positions: [TopicPosition]) {
        var changes = [ConsumerChange(key: "t", value: figures.totals.stored)]
        for label in figures.workflows.filter({ $0.value.isChanged }).keys {
            figures.workflows[label]?.isChanged = false
            changes.append(ConsumerChange(key: "w/" + label, value: figures.workflows[label]?.stored))
        }
        for label in figures.functions.filter({ $0.value.isChanged }).keys {
            figures.functions[label]?.isChanged = false
            changes.append(ConsumerChange(key: "f/" + label, value: figures.functions[label]?.stored))
        }
        changes += figures.statistics.takeChanges().map { ConsumerChange(key: $0.key, value: $0.value) }
        let approvals = book.takeChanged()
        changes += approvals.map { ConsumerChange(key: "a/" + $0.text, value: book.entries[$0]?.stored) }
        if !approvals.isEmpty { figures.approvals = book.times }
        changes += forgotten.map { ConsumerChange(key: $0, value: nil) }
        forgotten = []
        for execution in changedRecords {
            records[execution]?.isChanged = false
            // What was forgotten after it changed is gone from both.
            guard let record = records[execution] else { continue }
            changes.append(ConsumerChange(key: Self.key(of: execution), value: record.stored))
        }
        changedRecords = []
        var positions: [TopicPosition] = []
        for (number, place) in partitions where place.isChanged {
            partitions[number]?.isChanged = false
            changes.append(ConsumerChange(key: "p/\(number)", value: place.stored))
            positions.append(TopicPosition(partition: number, nextOffset: place.nextOffset))
        }
        trim()
        return (changes, positions)
    }

    private mutating func trim() {
        guard records.count > limits.recordsMax else { return }
        records = records.filter { $0.value.final == nil }
        if records.count > limits.recordsMax { records = [:] }
    }
}

/// How far a partition is counted.
struct PartitionPlace: Hashable {
    struct Last: Hashable {
        var execution: ExecutionID
        var sequence: Int
    }

    var nextOffset: Int64 = 0
    /// The event before `nextOffset`.
    var last: Last?
    /// The newest event time.
    var newest = Timestamp(microseconds: 0)
    /// Since the last commit.
    var isChanged = false

    init() {}

    var stored: [UInt8] {
        var writer = StoredWriter()
        writer.signed(nextOffset)
        writer.signed(newest.microseconds)
        writer.optional(last) { writer, last in
            writer.text(last.execution.description)
            writer.count(last.sequence)
        }
        return writer.bytes
    }

    init(stored bytes: [UInt8]) throws(StoredFault) {
        var reader = StoredReader(bytes)
        nextOffset = try reader.signed()
        newest = try reader.time()
        last = try reader.optional { (reader: inout StoredReader) throws(StoredFault) in
            guard let execution = ExecutionID(try reader.text()) else { throw StoredFault() }
            return Last(execution: execution, sequence: try reader.count())
        }
    }
}
