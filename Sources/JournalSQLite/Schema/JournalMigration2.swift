import GRDB

extension JournalMigration {
    /// The listing of approvals.
    static let version2 = JournalMigration(version: 2) { database in
        let statements = [
            // `number` rises with each request for an approval. `details` is what a listing shows, as JSON.
            """
            CREATE TABLE approval (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                execution INTEGER NOT NULL,
                status INTEGER NOT NULL,
                details BLOB NOT NULL
            )
            """,
            // Those that wait (1) are the ones that are asked for; there are few of them.
            "CREATE INDEX approval_pending ON approval (number) WHERE status = 1",
        ]
        for statement in statements { try database.execute(sql: statement) }
    }
}
