import EventBus
import GRDB

/// A group's one member and its committed positions, `DATA/groups/<group>.sqlite`.
///
/// Positions are durable when `commit` returns (`synchronous=FULL`): the effect before them has happened. The topic's
/// tail may be less durable than that; it comes back at the same offsets, see `TopicWriter`.
final class ConsumerGroup: Sendable {
    struct Committed: Equatable, Sendable {
        /// Which file of that name the offset belongs to.
        var identity: String
        var nextOffset: Int64
    }

    private static let kind = DatabaseKind(
        name: "consumer group", applicationID: 0x5353_4731,
        migrations: [
            """
            CREATE TABLE position (
              topic TEXT NOT NULL,
              partition INTEGER NOT NULL,
              identity TEXT NOT NULL,
              next_offset INTEGER NOT NULL,
              PRIMARY KEY (topic, partition)
            ) STRICT, WITHOUT ROWID;
            """
        ])

    private let path: String
    private let topic: String
    private let lock: FileLock
    private let database: DatabaseQueue
    private let thread: BlockingThread

    /// - Throws: `groupTaken` naming the process that is the group's member.
    static func join(_ name: String, topic: String, dataDirectory: String) async throws(BusError) -> ConsumerGroup {
        try Posix.checkName(name, of: "consumer group")
        let thread = try BlockingThread()
        return try await thread.run { () throws(BusError) in
            try ConsumerGroup(name, topic: topic, directory: dataDirectory + "/groups", thread: thread)
        }
    }

    private init(_ name: String, topic: String, directory: String, thread: BlockingThread) throws(BusError) {
        self.topic = topic
        self.thread = thread
        path = "\(directory)/\(name).sqlite"
        try Posix.makeDirectory(directory)
        lock = try FileLock(path: "\(directory)/\(name).lock", taken: .groupTaken, purpose: "consumer group \(name)")
        database = try DatabaseFile.openWriter(path: path, kind: Self.kind, durability: .full)
    }

    func committed() async throws(BusError) -> Committed? {
        try await onThread { database, topic in
            try Row.fetchOne(
                database, sql: "SELECT identity, next_offset FROM position WHERE topic = ? AND partition = 0",
                arguments: [topic]
            ).map { Committed(identity: $0[0], nextOffset: $0[1]) }
        }
    }

    func commit(_ position: Committed) async throws(BusError) {
        try await onThread { database, topic in
            let statement = try database.cachedStatement(
                sql: "INSERT OR REPLACE INTO position (topic, partition, identity, next_offset) VALUES (?, 0, ?, ?)")
            try statement.execute(arguments: [topic, position.identity, position.nextOffset])
        }
    }

    func leave() async {
        let (path, database) = (path, database)
        try? await thread.run { () throws(BusError) in try DatabaseFile.translating(path) { try database.close() } }
        thread.stop()
        lock.release()
    }

    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable (Database, String) throws -> Value
    ) async throws(BusError) -> Value {
        let (path, topic, database) = (path, topic, database)
        return try await thread.run { () throws(BusError) in
            try DatabaseFile.translating(path) { try database.writeWithoutTransaction { try body($0, topic) } }
        }
    }
}
