import GRDB

/// One step of the schema, from `version - 1` to `version`; once released it never changes.
///
/// A new version is one more file `JournalMigrationN.swift` and its entry in `all`.
struct JournalMigration: Sendable {
    var version: Int
    var apply: @Sendable (Database) throws -> Void

    /// Versions 1, 2, 3 … without a hole.
    static let all: [JournalMigration] = [.version1, .version2]

    static var newestVersion: Int { all.count }
}
