import EventBus
import GRDB

/// One kind of SQLite file of the bus: its mark and its numbered migrations.
///
/// `PRAGMA application_id` says whose file it is, `PRAGMA user_version` how many migrations it has seen.
struct DatabaseKind: Sendable {
    var name: String
    var applicationID: Int32
    /// Migration N takes a file from `user_version` N − 1 to N; a released one never changes.
    var migrations: [String]

    var version: Int { migrations.count }

    /// What the file's header says about it.
    enum State: Equatable { case empty, version(Int) }

    /// - Throws: `configuration` for another program's file, `newerSchema` for a later release's.
    func state(_ database: Database, path: String) throws -> State {
        let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        if application == 0, version == 0, try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0 {
            return .empty
        }
        guard application == applicationID else {
            throw BusError(
                .configuration,
                "\(path) is not a stepstream \(name): its application_id is \(application), not \(applicationID)")
        }
        guard version <= self.version else {
            throw BusError(
                .newerSchema,
                "\(path) has schema \(version), this release knows up to \(self.version): use its own release")
        }
        return .version(version)
    }
}

/// Opens the bus's SQLite files and turns their errors into the bus's.
enum DatabaseFile {
    enum Durability: String { case normal = "NORMAL", full = "FULL" }

    /// Opens for writing and migrates; each migration is durable before the file is used.
    /// - Parameter mode: who may read the file, whatever the umask allows; SQLite gives its log the same.
    static func openWriter(
        path: String, kind: DatabaseKind, durability: Durability, mode: UInt32 = Posix.privateMode,
        automaticCheckpoints: Bool = true
    ) throws(BusError) -> DatabaseQueue {
        Posix.restrict(path, mode: mode)
        return try translating(path) {
            let queue = try DatabaseQueue(path: path, configuration: configuration(readonly: false))
            try queue.writeWithoutTransaction { database in
                // The mark is read before anything is written: a foreign file stays as it was.
                var version = 0
                if case .version(let found) = try kind.state(database, path: path) { version = found }
                guard try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                    throw BusError(.configuration, "\(path) cannot use a write-ahead log on this file system")
                }
                // FULL: after a power cut the file is either still empty or has its identity.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                while version < kind.version {
                    try database.inTransaction(.immediate) {
                        try database.execute(sql: kind.migrations[version])
                        try database.execute(sql: "PRAGMA application_id = \(kind.applicationID)")
                        try database.execute(sql: "PRAGMA user_version = \(version + 1)")
                        return .commit
                    }
                    version += 1
                }
                try database.execute(sql: "PRAGMA synchronous = \(durability.rawValue)")
                if !automaticCheckpoints { try database.execute(sql: "PRAGMA wal_autocheckpoint = 0") }
                // Bounds the log file that a checkpoint leaves behind.
                try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
            }
            return queue
        }
    }

    /// Opens read-only; nil while the file, or its schema, does not exist yet.
    static func openReader(path: String, kind: DatabaseKind) throws(BusError) -> DatabaseQueue? {
        guard Posix.hasContent(path) else { return nil }
        return try translating(path) {
            let queue = try DatabaseQueue(path: path, configuration: configuration(readonly: true))
            let state = try queue.unsafeRead { database in try kind.state(database, path: path) }
            switch state {
            case .version(kind.version): return queue
            // An older schema is migrated by the publisher when it starts.
            case .empty, .version:
                try queue.close()
                return nil
            }
        }
    }

    static func translating<Value>(_ path: String, _ body: () throws -> Value) throws(BusError) -> Value {
        do { return try body() } catch let error as BusError { throw error } catch let error as DatabaseError {
            throw translate(error, path: path)
        } catch { throw BusError(.inputOutput, "\(path) failed", cause: error) }
    }

    private static func translate(_ error: DatabaseError, path: String) -> BusError {
        switch error.resultCode {
        case .SQLITE_FULL: BusError(.diskFull, "no space left for \(path)", cause: error)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: BusError(.corrupt, "\(path) is damaged", cause: error)
        case .SQLITE_BUSY, .SQLITE_LOCKED: BusError(.unavailable, "\(path) is busy", cause: error)
        default: BusError(.inputOutput, "\(path) failed", cause: error)
        }
    }

    private static func configuration(readonly: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = readonly
        configuration.foreignKeysEnabled = false
        // Only recovery after a crash holds a lock for longer than a moment.
        configuration.busyMode = .timeout(5)
        configuration.observesSuspensionNotifications = false
        return configuration
    }
}
