import EventBus
import FoundationEssentials
import GRDB
import Synchronization
import WorkflowModel

/// A read-only connection to a topic file, opened when the file is there; every call is one short transaction.
final class TopicReader: Sendable {
    struct Head: Equatable, Sendable {
        var identity: String
        var logStart: Int64
        var nextOffset: Int64
    }

    struct Page: Sendable {
        var events: [DeliveredEvent]
        var logStart: Int64
    }

    /// A page ends after this many event bytes, so that a slow subscriber's page stays small.
    static let pageBytesMax = 4 << 20

    let path: String
    private let connection = Mutex<DatabaseQueue?>(nil)

    init(path: String) { self.path = path }

    /// The topic's row; nil while the file or its schema does not exist.
    func head() throws(BusError) -> Head? {
        guard let queue = try open() else { return nil }
        return try DatabaseFile.translating(path) { try queue.unsafeRead { try Self.head($0, path: path) } }
    }

    /// Up to `limit` events from `offset` on; from the log's start when retention has passed the offset.
    func page(from offset: Int64, limit: Int) throws(BusError) -> Page {
        guard let queue = try open() else { return Page(events: [], logStart: 0) }
        return try DatabaseFile.translating(path) {
            try queue.read { database in
                let head = try Self.head(database, path: path)
                var events: [DeliveredEvent] = []
                var bytes = 0
                let statement = try database.cachedStatement(
                    sql: "SELECT \(Self.columns), offset FROM event WHERE offset >= ? ORDER BY offset LIMIT ?")
                let cursor = try Row.fetchCursor(statement, arguments: [offset, limit])
                while bytes < Self.pageBytesMax, let row = try cursor.next() {
                    let event = try Self.event(row, path: path)
                    bytes += event.bytes.count
                    events.append(DeliveredEvent(partition: 0, offset: row[8], event: event))
                }
                return Page(events: events, logStart: head.logStart)
            }
        }
    }

    /// What the file holds of one execution; see `EventHistory`.
    func history(of execution: ExecutionID, after sequence: Int, limit: Int) throws(BusError) -> EventHistoryPage {
        // No topic yet: nothing was ever published, so nothing is missing.
        guard let queue = try open() else { return EventHistoryPage(events: [], hasMore: false, isWhole: true) }
        return try DatabaseFile.translating(path) {
            try queue.read { database in
                let key = Data(execution.bytes)
                var events: [EncodedEvent] = []
                var bytes = 0
                var hasMore = false
                let statement = try database.cachedStatement(
                    sql: """
                        SELECT \(Self.columns) FROM event WHERE execution = ? AND sequence > ?
                        ORDER BY sequence, offset
                        """)
                let cursor = try Row.fetchCursor(statement, arguments: [key, sequence])
                while let row = try cursor.next() {
                    if (row[1] as Int) == events.last?.sequence { continue }
                    guard events.count < limit, bytes < Self.pageBytesMax else {
                        hasMore = true
                        break
                    }
                    let event = try Self.event(row, path: path)
                    bytes += event.bytes.count
                    events.append(event)
                }
                let isDense = zip(events, (sequence + 1)...).allSatisfy { $0.sequence == $1 }
                var isWhole = isDense
                if events.isEmpty { isWhole = try Self.holdsAll(of: key, upTo: sequence, database) }
                return EventHistoryPage(events: events, hasMore: hasMore, isWhole: isWhole)
            }
        }
    }

    func close() throws(BusError) {
        let queue = connection.withLock { connection in
            defer { connection = nil }
            return connection
        }
        try DatabaseFile.translating(path) { try queue?.close() }
    }

    /// Whether an empty answer is the truth: retention takes the oldest first, so an execution that still has an event
    /// at or below the asked sequence has all later ones, and one with a higher ID than any trimmed was never trimmed.
    private static func holdsAll(of key: Data, upTo sequence: Int, _ database: Database) throws -> Bool {
        let held = try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM event WHERE execution = ? AND sequence <= ?)",
            arguments: [key, sequence])
        if held == true { return true }
        let trimmed = try Bool.fetchOne(
            database, sql: "SELECT coalesce(deleted_execution_max, x'') >= ? FROM topic", arguments: [key])
        return trimmed != true
    }

    private static let columns = "execution, sequence, type, workflow, time, final, traceparent, bytes"

    private func open() throws(BusError) -> DatabaseQueue? {
        if let queue = connection.withLock({ $0 }) { return queue }
        guard let queue = try DatabaseFile.openReader(path: path, kind: TopicSchema.kind) else { return nil }
        connection.withLock { $0 = queue }
        return queue
    }

    private static func head(_ database: Database, path: String) throws -> Head {
        let statement = try database.cachedStatement(sql: "SELECT identity, log_start, next_offset FROM topic")
        guard let row = try Row.fetchOne(statement) else { throw BusError(.corrupt, "\(path) has lost its topic row") }
        return Head(identity: row[0], logStart: row[1], nextOffset: row[2])
    }

    private static func event(_ row: Row, path: String) throws -> EncodedEvent {
        let execution = try row.withUnsafeData(atIndex: 0) { $0.flatMap { ExecutionID(bytes: $0) } }
        guard let execution else { throw BusError(.corrupt, "\(path) holds an event without an execution ID") }
        let bytes = try row.withUnsafeData(atIndex: 7) { $0.map(Array.init) } ?? []
        return EncodedEvent(
            executionID: execution, workflow: row[3], sequence: row[1], type: row[2],
            time: Timestamp(microseconds: row[4]), isFinal: row[5], bytes: bytes, traceparent: row[6])
    }
}
