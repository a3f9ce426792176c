import GRDB
import WorkflowEngine

/// Knows our files and brings them to the newest schema.
enum JournalSchema {
    /// "StJl", in the file's header; `file` names it with a line in `/etc/magic`.
    static let applicationID: Int64 = 0x5374_4A6C

    /// What the header says, before anything is written.
    static func version(of database: Database, path: String) throws -> Int {
        let application = try database.integer("PRAGMA application_id") ?? 0
        let version = try database.integer("PRAGMA user_version") ?? 0
        let tables = try database.integer("SELECT count(*) FROM sqlite_master") ?? 0
        if application == 0, version == 0, tables == 0 { return 0 }
        guard application == applicationID, version > 0 else {
            throw JournalError(.corrupt, "\(path) is an SQLite file, but not a journal of Stepstream")
        }
        guard version <= JournalMigration.newestVersion else {
            throw JournalError(
                .newerSchema,
                "\(path) has schema \(version); this program knows up to \(JournalMigration.newestVersion)")
        }
        return Int(version)
    }

    /// Applies what is missing, each version in a transaction of its own: an interrupted upgrade goes on next time.
    static func upgrade(
        _ database: Database, from version: Int, to newest: Int = JournalMigration.newestVersion
    ) throws {
        for migration in JournalMigration.all where migration.version > version && migration.version <= newest {
            try database.inTransaction(.immediate) {
                try migration.apply(database)
                try database.execute(sql: "PRAGMA application_id = \(applicationID)")
                try database.execute(sql: "PRAGMA user_version = \(migration.version)")
                return .commit
            }
        }
    }
}
