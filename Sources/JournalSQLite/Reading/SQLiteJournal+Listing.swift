import GRDB
package import WorkflowEngine
package import WorkflowModel

extension SQLiteJournal {
    package func summary(of execution: ExecutionID) async throws(JournalError) -> ExecutionSummary? {
        try await readers.read("reading an execution") { database in
            let statement = try SQLStatement(
                database,
                """
                SELECT \(ExecutionSummary.columns)
                FROM execution LEFT JOIN open_execution ON open_execution.id = execution.id
                WHERE execution.id = ?1 AND status IS NOT NULL
                """)
            statement.bind(1, execution.bytes)
            return try statement.firstRow { try ExecutionSummary($0) }
        }
    }

    package func summaries(
        _ filter: ExecutionFilter, limit: Int
    ) async throws(JournalError) -> [ExecutionSummary] {
        guard limit > 0 else { return [] }
        return try await readers.read("listing executions") { database in
            var conditions = ["status IS NOT NULL"]
            if filter.workflow != nil { conditions.append("workflow = ?1") }
            // The number stands in the text, since a partial index is only used for a value known beforehand.
            if let status = filter.status { conditions.append("status = \(status.storedNumber)") }
            if filter.before != nil { conditions.append("execution.id < ?2") }
            let statement = try SQLStatement(
                database,
                """
                SELECT \(ExecutionSummary.columns)
                FROM execution LEFT JOIN open_execution ON open_execution.id = execution.id
                WHERE \(conditions.joined(separator: " AND ")) ORDER BY execution.id DESC LIMIT ?3
                """)
            if let workflow = filter.workflow { statement.bind(1, workflow) }
            if let before = filter.before { statement.bind(2, before.bytes) }
            statement.bind(3, limit)
            var summaries: [ExecutionSummary] = []
            try statement.forEachRow { summaries.append(try ExecutionSummary($0)) }
            return summaries
        }
    }

    package func approvals(_ filter: ApprovalFilter, limit: Int) async throws(JournalError) -> [ApprovalSummary] {
        guard limit > 0 else { return [] }
        return try await readers.read("listing approvals") { database in
            var conditions = ["TRUE"]
            if filter.workflow != nil { conditions.append("workflow = ?1") }
            // The number stands in the text, since a partial index is only used for a value known beforehand.
            if let status = filter.status { conditions.append("approval.status = \(status.storedNumber)") }
            if filter.before != nil {
                conditions.append("approval.number < (SELECT number FROM approval WHERE id = ?2)")
            }
            let statement = try SQLStatement(
                database,
                """
                SELECT approval.id, execution.id, workflow, approval.status, details
                FROM approval JOIN execution ON execution.number = approval.execution
                WHERE \(conditions.joined(separator: " AND ")) ORDER BY approval.number DESC LIMIT ?3
                """)
            if let workflow = filter.workflow { statement.bind(1, workflow) }
            if let before = filter.before { statement.bind(2, before) }
            statement.bind(3, limit)
            var summaries: [ApprovalSummary] = []
            try statement.forEachRow { row in
                summaries.append(
                    ApprovalSummary(
                        id: row.text(0), execution: try ExecutionID(row, 1), workflow: row.text(2),
                        status: try ApprovalStatus(storedNumber: row.integer(3)), details: row.blob(4)))
            }
            return summaries
        }
    }

    package func idempotencyKey(
        _ key: String, workflow: String
    ) async throws(JournalError) -> IdempotencyClaim? {
        let now = configuration.now()
        return try await readers.read("reading an idempotency key") { database in
            let statement = try SQLStatement(
                database,
                """
                SELECT digest, execution, claimed_at FROM idempotency_key WHERE workflow = ?1 AND key = ?2
                """)
            statement.bind(1, workflow)
            statement.bind(2, key)
            let claim = try statement.firstRow { row in
                IdempotencyClaim(
                    key: key, workflow: workflow, digest: row.blob(0), execution: try ExecutionID(row, 1),
                    at: Timestamp(microseconds: row.integer(2)))
            }
            return claim.flatMap { now < $0.at + IdempotencyClaim.lifetime ? $0 : nil }
        }
    }

    package func definition(
        named name: String, revision: Int?
    ) async throws(JournalError) -> StoredDefinition? {
        try await readers.read("reading a definition") { database in
            let statement = try SQLStatement(
                database,
                revision == nil
                    ? """
                    SELECT revision, format, source, created_at
                    FROM current_definition JOIN definition USING (name, revision) WHERE name = ?1
                    """
                    : """
                    SELECT revision, format, source, created_at FROM definition WHERE name = ?1 AND revision = ?2
                    """)
            statement.bind(1, name)
            if let revision { statement.bind(2, revision) }
            return try statement.firstRow { try StoredDefinition($0, name: name, from: 0) }
        }
    }

    package func definitions(after name: String?, limit: Int) async throws(JournalError) -> [StoredDefinition] {
        guard limit > 0 else { return [] }
        return try await readers.read("listing definitions") { database in
            let statement = try SQLStatement(
                database,
                """
                SELECT name, revision, format, source, created_at
                FROM current_definition JOIN definition USING (name, revision)
                WHERE ?1 IS NULL OR name > ?1 ORDER BY name LIMIT ?2
                """)
            statement.bind(1, name)
            statement.bind(2, limit)
            var definitions: [StoredDefinition] = []
            try statement.forEachRow { row in
                definitions.append(try StoredDefinition(row, name: row.text(0), from: 1))
            }
            return definitions
        }
    }
}
