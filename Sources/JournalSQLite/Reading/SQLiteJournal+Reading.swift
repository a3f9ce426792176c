import GRDB
package import WorkflowEngine
package import WorkflowModel

extension SQLiteJournal {
    package func records(
        of execution: ExecutionID, after version: Int
    ) async throws(JournalError) -> [JournalRecord] {
        try await readers.read("reading an execution") { database in
            let statement = try SQLStatement(
                database,
                """
                SELECT record.version, record.kind, record.payload, \(EncodedEvent.columns)
                FROM execution CROSS JOIN record ON record.execution = execution.number
                WHERE execution.id = ?1 AND record.version > ?2 ORDER BY record.version
                """)
            statement.bind(1, execution.bytes)
            statement.bind(2, version)
            var records: [JournalRecord] = []
            try statement.forEachRow { row in
                records.append(
                    JournalRecord(
                        version: Int(row.integer(0)), kind: Int(row.integer(1)), payload: row.blob(2),
                        event: row.isNull(6) ? nil : try EncodedEvent(row, from: 3)))
            }
            return records
        }
    }

    package func open(shard: Int, after: ExecutionID?, limit: Int) async throws(JournalError) -> [ExecutionID] {
        guard shard == 0, limit > 0 else { return [] }
        return try await readers.read("reading open executions") { database in
            let statement = try SQLStatement(
                database, "SELECT id FROM open_execution WHERE id > ?1 ORDER BY id LIMIT ?2")
            // Every identifier is above the empty blob.
            statement.bind(1, after?.bytes ?? [])
            statement.bind(2, limit)
            var executions: [ExecutionID] = []
            try statement.forEachRow { executions.append(try ExecutionID($0, 0)) }
            return executions
        }
    }

    package func due(shard: Int, until: Timestamp, limit: Int) async throws(JournalError) -> [DueTimer] {
        guard shard == 0, limit > 0 else { return [] }
        return try await readers.read("reading timers") { database in
            let statement = try SQLStatement(
                database,
                """
                SELECT id, due_at FROM open_execution WHERE due_at IS NOT NULL AND due_at <= ?1
                ORDER BY due_at, id LIMIT ?2
                """)
            statement.bind(1, until.microseconds)
            statement.bind(2, limit)
            var timers: [DueTimer] = []
            try statement.forEachRow { row in
                timers.append(
                    DueTimer(execution: try ExecutionID(row, 0), at: Timestamp(microseconds: row.integer(1))))
            }
            return timers
        }
    }

    package func events(
        after position: JournalPosition?, shard: Int, limit: Int
    ) async throws(JournalError) -> [CommittedEvent] {
        guard shard == 0, limit > 0 else { return [] }
        return try await readers.read("reading events") { database in
            let statement = try SQLStatement(
                database,
                """
                SELECT record.position, \(EncodedEvent.columns)
                FROM record CROSS JOIN execution ON execution.number = record.execution
                WHERE record.position > ?1 AND record.sequence IS NOT NULL ORDER BY record.position LIMIT ?2
                """)
            statement.bind(1, position?.rawValue ?? 0)
            statement.bind(2, limit)
            var events: [CommittedEvent] = []
            try statement.forEachRow { row in
                events.append(
                    CommittedEvent(
                        position: JournalPosition(rawValue: row.integer(0)), event: try EncodedEvent(row, from: 1)))
            }
            return events
        }
    }

    package func countEvents(after position: JournalPosition?, shard: Int) async throws(JournalError) -> Int {
        guard shard == 0 else { return 0 }
        return try await readers.read("counting events") { database in
            let statement = try SQLStatement(
                database, "SELECT count(*) FROM record WHERE position > ?1 AND sequence IS NOT NULL")
            statement.bind(1, position?.rawValue ?? 0)
            return try statement.firstRow { Int($0.integer(0)) } ?? 0
        }
    }

    package func events(
        of execution: ExecutionID, after sequence: Int, limit: Int
    ) async throws(JournalError) -> [EncodedEvent] {
        guard limit > 0 else { return [] }
        return try await readers.read("reading the events of an execution") { database in
            // A record's version is never below its event's sequence, so the index skips what comes before.
            let statement = try SQLStatement(
                database,
                """
                SELECT \(EncodedEvent.columns)
                FROM execution CROSS JOIN record ON record.execution = execution.number
                WHERE execution.id = ?1 AND record.version > ?2 AND record.sequence > ?2
                ORDER BY record.version LIMIT ?3
                """)
            statement.bind(1, execution.bytes)
            statement.bind(2, sequence)
            statement.bind(3, limit)
            var events: [EncodedEvent] = []
            try statement.forEachRow { events.append(try EncodedEvent($0, from: 0)) }
            return events
        }
    }
}
