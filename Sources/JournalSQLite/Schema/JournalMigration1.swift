import GRDB

extension JournalMigration {
    /// The first schema.
    ///
    /// Times are microseconds since 1970; execution IDs are their 16 bytes.
    static let version1 = JournalMigration(version: 1) { database in
        let statements = [
            // One row an execution: the listing, and what every event of it has in common. `number` stands for the
            // 16 bytes in `record`, which has many rows an execution. `status` is nil until a summary was appended.
            """
            CREATE TABLE execution (
                number INTEGER PRIMARY KEY,
                id BLOB NOT NULL UNIQUE,
                workflow TEXT NOT NULL,
                traceparent TEXT,
                revision INTEGER,
                status INTEGER,
                started_at INTEGER,
                ended_at INTEGER,
                inputs_digest BLOB
            )
            """,
            "CREATE INDEX execution_by_workflow ON execution (workflow, id)",
            // Completed executions (3) are nearly all of them: a listing of those walks the identifiers.
            "CREATE INDEX execution_by_status ON execution (status, id) WHERE status <> 3",

            // Small: only executions without their final event, with their next timer.
            """
            CREATE TABLE open_execution (
                id BLOB PRIMARY KEY NOT NULL,
                due_at INTEGER
            ) WITHOUT ROWID
            """,
            "CREATE INDEX open_execution_by_timer ON open_execution (due_at, id) WHERE due_at IS NOT NULL",

            // Append-only, in commit order. The event's columns stand before the payload, so that the relay's scan
            // never follows the overflow pages of a large payload.
            """
            CREATE TABLE record (
                position INTEGER PRIMARY KEY,
                execution INTEGER NOT NULL,
                version INTEGER NOT NULL,
                kind INTEGER NOT NULL,
                sequence INTEGER,
                type TEXT,
                time INTEGER,
                is_final INTEGER,
                event BLOB,
                payload BLOB NOT NULL
            )
            """,
            "CREATE UNIQUE INDEX record_by_version ON record (execution, version)",

            """
            CREATE TABLE shard (
                shard INTEGER PRIMARY KEY,
                epoch INTEGER NOT NULL,
                published_position INTEGER
            )
            """,
            "INSERT INTO shard (shard, epoch) VALUES (0, 0)",

            """
            CREATE TABLE definition (
                name TEXT NOT NULL,
                revision INTEGER NOT NULL,
                format TEXT NOT NULL,
                source BLOB NOT NULL,
                created_at INTEGER NOT NULL,
                PRIMARY KEY (name, revision)
            )
            """,
            // The names that are listed and their newest revision; deleting a name removes only this row.
            """
            CREATE TABLE current_definition (
                name TEXT PRIMARY KEY NOT NULL,
                revision INTEGER NOT NULL
            ) WITHOUT ROWID
            """,

            """
            CREATE TABLE idempotency_key (
                workflow TEXT NOT NULL,
                key TEXT NOT NULL,
                digest BLOB NOT NULL,
                execution BLOB NOT NULL,
                claimed_at INTEGER NOT NULL,
                PRIMARY KEY (workflow, key)
            ) WITHOUT ROWID
            """,
            "CREATE INDEX idempotency_key_by_age ON idempotency_key (claimed_at)",
        ]
        for statement in statements { try database.execute(sql: statement) }
    }
}
