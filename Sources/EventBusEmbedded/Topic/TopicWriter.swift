import EventBus
import FoundationEssentials
import GRDB
import WorkflowModel

/// The one connection that appends to a topic file and trims it.
///
/// Every append stores the source position in the transaction of its events. That is why `synchronous=NORMAL` is
/// enough: a power cut may take the last transactions, events and position alike, and the relay then finds the older
/// position and appends the same events again from the journal, in the same order and so at the same offsets.
///
// SAFETY: used only on the publisher's writer thread, one call at a time.
final class TopicWriter: @unchecked Sendable {
    struct Appended: Sendable {
        var firstOffset: Int64
        var events: [EncodedEvent]
        var bytes: Int
    }

    /// A step of retention takes at most this many rows or bytes, so that publishing waits a few milliseconds at most.
    static let trimRowsMax = 256
    static let trimBytesMax = 2 << 20

    private let path: String
    private let database: DatabaseQueue
    private let identity: [UInt64]?
    private let retention: EmbeddedBusConfiguration.Retention
    private var state: State

    private struct State {
        var sourcePosition: Int64?
        var logStart: Int64
        var nextOffset: Int64
        var retainedBytes: Int
        /// A failed transaction's outcome is unknown until the file is read again.
        var isStale = false
    }

    init(path: String, retention: EmbeddedBusConfiguration.Retention) throws(BusError) {
        self.path = path
        self.retention = retention
        let database = try DatabaseFile.openWriter(
            path: path, kind: TopicSchema.kind, durability: .normal, mode: Posix.topicMode,
            automaticCheckpoints: false)
        self.database = database
        identity = try Posix.identity(of: path)
        state = try Self.load(database, path: path)
    }

    var nextOffset: Int64 { state.nextOffset }

    func currentSourcePosition() throws(BusError) -> SourcePosition? {
        if state.isStale { state = try Self.load(database, path: path) }
        return state.sourcePosition.map(SourcePosition.init(rawValue:))
    }

    /// Appends what lies beyond the stored source position; nil when nothing does.
    /// - Throws: `moved` when the file is not where it was: a reader that comes later would not find the events.
    func append(_ batch: [SourcedEvent]) throws(BusError) -> Appended? {
        guard try Posix.identity(of: path) == identity else {
            throw BusError(.moved, "\(path) was removed or moved; put it back and start again")
        }
        if state.isStale { state = try Self.load(database, path: path) }
        let stored = state.sourcePosition
        let fresh = stored.map { position in batch.filter { $0.position.rawValue > position } } ?? batch
        guard let last = fresh.last else { return nil }
        var next = state
        next.sourcePosition = last.position.rawValue
        let now = Posix.wallClockMilliseconds()
        state.isStale = true
        try DatabaseFile.translating(path) {
            try database.inTransaction(.immediate) {
                let insert = EventInsert(try $0.cachedStatement(sql: EventInsert.sql))
                for sourced in fresh {
                    let event = sourced.event
                    try insert.run(event, offset: next.nextOffset, appendedAt: now)
                    next.nextOffset += 1
                    next.retainedBytes += event.bytes.count + TopicSchema.rowOverheadBytes
                }
                try Self.store(next, in: $0)
                return .commit
            }
        }
        let first = state.nextOffset
        let bytes = next.retainedBytes - state.retainedBytes
        state = next
        return Appended(firstOffset: first, events: fresh.map(\.event), bytes: bytes)
    }

    /// Removes the oldest events beyond the limits, one bounded step; true when more are left to remove.
    ///
    /// Remembers the highest execution ID it took from, so that history can say what it no longer has.
    func trim() throws(BusError) -> Bool {
        if state.isStale { state = try Self.load(database, path: path) }
        guard state.logStart < state.nextOffset else { return false }
        let appendedBefore = Posix.wallClockMilliseconds() - retention.age.microseconds / 1000
        var next = state
        var isMore = false
        state.isStale = true
        try DatabaseFile.translating(path) {
            try database.inTransaction(.immediate) { database in
                var rows = 0
                var bytes = 0
                var highest = Data()
                let cursor = try Row.fetchCursor(
                    database,
                    sql: """
                        SELECT offset, execution, length(bytes), appended_at FROM event
                        WHERE offset >= ? ORDER BY offset LIMIT ?
                        """,
                    arguments: [state.logStart, Self.trimRowsMax + 1])
                while let row = try cursor.next() {
                    guard next.retainedBytes > retention.bytesMax || (row[3] as Int64) < appendedBefore else { break }
                    guard rows < Self.trimRowsMax, bytes < Self.trimBytesMax else {
                        isMore = true
                        break
                    }
                    let cost = (row[2] as Int) + TopicSchema.rowOverheadBytes
                    rows += 1
                    bytes += cost
                    next.retainedBytes -= cost
                    next.logStart = (row[0] as Int64) + 1
                    highest = Self.higher(highest, row[1])
                }
                guard rows > 0 else { return .rollback }
                try database.execute(sql: "DELETE FROM event WHERE offset < ?", arguments: [next.logStart])
                try Self.store(next, in: database)
                try database.execute(
                    sql: """
                        UPDATE topic SET deleted_execution_max = max(coalesce(deleted_execution_max, x''), ?)
                        """, arguments: [highest])
                return .commit
            }
        }
        state = next
        return isMore
    }

    /// Restarts the log file from its beginning when a checkpoint thread alone cannot keep up.
    func restartLog() throws(BusError) {
        try DatabaseFile.translating(path) {
            try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(RESTART)") }
        }
    }

    func close() throws(BusError) {
        try DatabaseFile.translating(path) { try database.close() }
    }

    private static func higher(_ left: Data, _ right: Data) -> Data {
        left.lexicographicallyPrecedes(right) ? right : left
    }

    private static func store(_ state: State, in database: Database) throws {
        let update = try database.cachedStatement(
            sql: "UPDATE topic SET source_position = ?, log_start = ?, next_offset = ?, retained_bytes = ?")
        try update.execute(arguments: [state.sourcePosition, state.logStart, state.nextOffset, state.retainedBytes])
    }

    private static func load(_ database: DatabaseQueue, path: String) throws(BusError) -> State {
        try DatabaseFile.translating(path) {
            try database.writeWithoutTransaction { database in
                guard
                    let row = try Row.fetchOne(
                        database,
                        sql: "SELECT source_position, log_start, next_offset, retained_bytes FROM topic")
                else { throw BusError(.corrupt, "\(path) has lost its topic row") }
                return State(sourcePosition: row[0], logStart: row[1], nextOffset: row[2], retainedBytes: row[3])
            }
        }
    }
}
