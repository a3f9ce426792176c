package import EventBus
import FoundationEssentials
import GRDB

/// A consumer's state and positions in one file, `DATA/groups/stores/<name>.sqlite`, changed in one transaction.
///
/// One process at a time has it open, by a lock beside it. `synchronous=FULL`: durable when `commit` returns.
package final class SQLiteConsumerStore: ConsumerStore {
    private static let kind = DatabaseKind(
        name: "consumer store", applicationID: 0x5353_4331,
        migrations: [
            """
            CREATE TABLE entry (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
            CREATE TABLE position (partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL) STRICT;
            """
        ])

    private let path: String
    private let lock: FileLock
    private let database: DatabaseQueue
    private let thread: BlockingThread

    /// Any bus's consumer may keep its state here; `groupTaken` names the process that has the store open.
    package static func open(name: String, dataDirectory: String) async throws(BusError) -> SQLiteConsumerStore {
        try Posix.checkName(name, of: "consumer store")
        let thread = try BlockingThread()
        return try await thread.run { () throws(BusError) in
            try SQLiteConsumerStore(name: name, directory: dataDirectory + "/groups/stores", thread: thread)
        }
    }

    private init(name: String, directory: String, thread: BlockingThread) throws(BusError) {
        self.thread = thread
        path = "\(directory)/\(name).sqlite"
        try Posix.makeDirectory(directory)
        lock = try FileLock(path: "\(directory)/\(name).lock", taken: .groupTaken, purpose: "consumer store \(name)")
        database = try DatabaseFile.openWriter(path: path, kind: Self.kind, durability: .full)
    }

    package func positions() async throws(BusError) -> [TopicPosition] {
        try await onThread { database in
            try Row.fetchAll(database, sql: "SELECT partition, next_offset FROM position ORDER BY partition").map {
                TopicPosition(partition: $0[0], nextOffset: $0[1])
            }
        }
    }

    package func value(for key: String) async throws(BusError) -> [UInt8]? {
        try await onThread { database in
            let statement = try database.cachedStatement(sql: "SELECT value FROM entry WHERE key = ?")
            return try Data.fetchOne(statement, arguments: [Data(key.utf8)]).map(Array.init)
        }
    }

    package func values(for keys: [String]) async throws(BusError) -> [String: [UInt8]] {
        try await onThread { database in
            let statement = try database.cachedStatement(sql: "SELECT value FROM entry WHERE key = ?")
            var values: [String: [UInt8]] = [:]
            for key in keys {
                values[key] = try Data.fetchOne(statement, arguments: [Data(key.utf8)]).map(Array.init)
            }
            return values
        }
    }

    package func entries(
        prefix: String, after key: String?, limit: Int
    ) async throws(BusError) -> [ConsumerEntry] {
        try await onThread { database in
            // Keys compare bytewise, so those with the prefix stand together, from the prefix itself on.
            let from = key.map { max($0.utf8, prefix.utf8) } ?? Data(prefix.utf8)
            let statement = try database.cachedStatement(
                sql: "SELECT key, value FROM entry WHERE key >= ? AND key IS NOT ? ORDER BY key LIMIT ?")
            let cursor = try Row.fetchCursor(statement, arguments: [from, key.map { Data($0.utf8) }, limit])
            var entries: [ConsumerEntry] = []
            while let row = try cursor.next() {
                let key: Data = row[0]
                guard key.starts(with: prefix.utf8) else { break }
                let value: Data = row[1]
                entries.append(ConsumerEntry(key: String(decoding: key, as: UTF8.self), value: Array(value)))
            }
            return entries
        }
    }

    package func commit(_ changes: [ConsumerChange], positions: [TopicPosition]) async throws(BusError) {
        let (path, database) = (path, database)
        try await thread.run { () throws(BusError) in
            try DatabaseFile.translating(path) {
                try database.inTransaction(.immediate) { database in
                    let put = try database.cachedStatement(
                        sql: "INSERT OR REPLACE INTO entry (key, value) VALUES (?, ?)")
                    let remove = try database.cachedStatement(sql: "DELETE FROM entry WHERE key = ?")
                    for change in changes {
                        let key = Data(change.key.utf8)
                        if let value = change.value {
                            try put.execute(arguments: [key, Data(value)])
                        } else {
                            try remove.execute(arguments: [key])
                        }
                    }
                    let move = try database.cachedStatement(
                        sql: "INSERT OR REPLACE INTO position (partition, next_offset) VALUES (?, ?)")
                    for position in positions {
                        try move.execute(arguments: [position.partition, position.nextOffset])
                    }
                    return .commit
                }
            }
        }
    }

    package func close() async {
        let (path, database) = (path, database)
        try? await thread.run { () throws(BusError) in try DatabaseFile.translating(path) { try database.close() } }
        thread.stop()
        lock.release()
    }

    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(BusError) -> Value {
        let (path, database) = (path, database)
        return try await thread.run { () throws(BusError) in
            try DatabaseFile.translating(path) { try database.writeWithoutTransaction { try body($0) } }
        }
    }
}

/// The later of two keys, bytewise.
private func max(_ left: String.UTF8View, _ right: String.UTF8View) -> Data {
    left.lexicographicallyPrecedes(right) ? Data(right) : Data(left)
}
