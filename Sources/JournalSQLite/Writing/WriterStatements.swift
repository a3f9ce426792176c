import GRDB

/// The writer's statements, prepared once.
struct WriterStatements {
    let begin, commit, rollback: SQLStatement
    let insertRecord: SQLStatement
    let findExecution, insertExecution, updateExecution: SQLStatement
    let openExecution, setTimer, closeExecution: SQLStatement
    let putApproval: SQLStatement
    let findKey, insertKey, purgeKeys: SQLStatement
    let raiseEpoch, setPublished: SQLStatement
    let newestDefinition, insertDefinition, setCurrentDefinition, removeCurrentDefinition: SQLStatement

    init(_ database: Database) throws {
        func statement(_ sql: String) throws -> SQLStatement { try SQLStatement(database, sql) }
        begin = try statement("BEGIN IMMEDIATE")
        commit = try statement("COMMIT")
        rollback = try statement("ROLLBACK")
        insertRecord = try statement(
            """
            INSERT INTO record (position, execution, version, kind, sequence, type, time, is_final, event, payload)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """)
        findExecution = try statement(
            """
            SELECT execution.number,
                (SELECT max(version) FROM record WHERE record.execution = execution.number),
                open_execution.id IS NOT NULL, open_execution.due_at
            FROM execution LEFT JOIN open_execution ON open_execution.id = execution.id
            WHERE execution.id = ?1
            """)
        insertExecution = try statement(
            """
            INSERT INTO execution (number, id, workflow, traceparent, revision, status, started_at, ended_at, inputs_digest)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """)
        updateExecution = try statement(
            """
            UPDATE execution SET revision = ?2, status = ?3, started_at = ?4, ended_at = ?5, inputs_digest = ?6
            WHERE number = ?1
            """)
        openExecution = try statement("INSERT INTO open_execution (id, due_at) VALUES (?1, ?2)")
        setTimer = try statement("UPDATE open_execution SET due_at = ?2 WHERE id = ?1")
        closeExecution = try statement("DELETE FROM open_execution WHERE id = ?1")
        putApproval = try statement(
            """
            INSERT INTO approval (id, execution, status, details) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (id) DO UPDATE SET status = excluded.status, details = excluded.details
            """)
        findKey = try statement("SELECT claimed_at FROM idempotency_key WHERE workflow = ?1 AND key = ?2")
        insertKey = try statement(
            """
            INSERT OR REPLACE INTO idempotency_key (workflow, key, digest, execution, claimed_at)
            VALUES (?1, ?2, ?3, ?4, ?5)
            """)
        purgeKeys = try statement(
            """
            DELETE FROM idempotency_key WHERE (workflow, key) IN
                (SELECT workflow, key FROM idempotency_key WHERE claimed_at <= ?1 ORDER BY claimed_at LIMIT ?2)
            """)
        raiseEpoch = try statement("UPDATE shard SET epoch = ?2 WHERE shard = ?1")
        setPublished = try statement("UPDATE shard SET published_position = ?2 WHERE shard = ?1")
        newestDefinition = try statement(
            """
            SELECT revision, format, source, created_at FROM definition WHERE name = ?1 ORDER BY revision DESC LIMIT 1
            """)
        insertDefinition = try statement(
            "INSERT INTO definition (name, revision, format, source, created_at) VALUES (?1, ?2, ?3, ?4, ?5)")
        setCurrentDefinition = try statement(
            "INSERT OR REPLACE INTO current_definition (name, revision) VALUES (?1, ?2)")
        removeCurrentDefinition = try statement(
            "DELETE FROM current_definition WHERE name = ?1 RETURNING revision")
    }
}
