import WorkflowEngine
import WorkflowModel

/// What the writer must know of an execution before it appends.
struct ExecutionEntry {
    /// Its short name in `record`.
    var number: Int64
    /// The version of its last record.
    var version: Int
    /// False once its final event is recorded.
    var isOpen: Bool
    /// The stored timer.
    var dueAt: Timestamp?
    /// The stored listing row when known; saves writing an equal one again.
    var summary: ExecutionSummary?
}

/// The entries used last, so that an append needs no query; two generations bound it and forget the older half.
struct ExecutionCache {
    private var recent: [ExecutionID: ExecutionEntry] = [:]
    private var older: [ExecutionID: ExecutionEntry] = [:]
    private let generationMax: Int

    /// - Parameter countMax: at least 2.
    init(countMax: Int) { generationMax = max(1, countMax / 2) }

    mutating func entry(of execution: ExecutionID) -> ExecutionEntry? {
        if let entry = recent[execution] { return entry }
        guard let entry = older.removeValue(forKey: execution) else { return nil }
        insert(entry, for: execution)
        return entry
    }

    /// Remembers what is committed; an execution that ended is forgotten.
    mutating func update(_ entry: ExecutionEntry, for execution: ExecutionID) {
        older[execution] = nil
        if entry.isOpen { insert(entry, for: execution) } else { recent[execution] = nil }
    }

    mutating func removeAll() {
        recent = [:]
        older = [:]
    }

    private mutating func insert(_ entry: ExecutionEntry, for execution: ExecutionID) {
        if recent.count >= generationMax, recent[execution] == nil {
            older = recent
            recent = [:]
        }
        recent[execution] = entry
    }
}
