import WorkflowEngine
import WorkflowModel

extension ExecutionStatus {
    /// What the file holds; never changes.
    var storedNumber: Int {
        switch self {
        case .running: 1
        case .waiting: 2
        case .completed: 3
        case .failed: 4
        case .cancelled: 5
        }
    }

    init(storedNumber: Int64) throws {
        guard let status = Self.allCases.first(where: { $0.storedNumber == storedNumber }) else {
            throw SQLiteFailure.malformed("no execution status has the number \(storedNumber)")
        }
        self = status
    }
}

extension ApprovalStatus {
    /// What the file holds; never changes.
    var storedNumber: Int {
        switch self {
        case .pending: 1
        case .granted: 2
        case .rejected: 3
        case .expired: 4
        }
    }

    init(storedNumber: Int64) throws {
        guard let status = Self.allCases.first(where: { $0.storedNumber == storedNumber }) else {
            throw SQLiteFailure.malformed("no approval status has the number \(storedNumber)")
        }
        self = status
    }
}

extension StoredDefinition {
    /// Reads revision, format, source, created_at from `first` on.
    init(_ row: SQLStatement, name: String, from first: Int32) throws {
        guard let format = Format(rawValue: row.text(first + 1)) else {
            throw SQLiteFailure.malformed("definition \(name) has the format \(row.text(first + 1))")
        }
        self.init(
            name: name, revision: Int(row.integer(first)), format: format, source: row.blob(first + 2),
            createdAt: Timestamp(microseconds: row.integer(first + 3)))
    }
}

extension ExecutionID {
    init(_ row: SQLStatement, _ column: Int32) throws {
        guard let execution = ExecutionID(bytes: row.blob(column)) else {
            throw SQLiteFailure.malformed("an execution has no identifier")
        }
        self = execution
    }
}

extension ExecutionSummary {
    /// The columns `init` reads, in its order.
    static let columns = """
        execution.id, execution.workflow, revision, status, started_at, ended_at, inputs_digest,
        open_execution.id IS NOT NULL
        """

    init(_ row: SQLStatement) throws {
        self.init(
            execution: try ExecutionID(row, 0), workflow: row.text(1), revision: Int(row.integer(2)),
            status: try ExecutionStatus(storedNumber: row.integer(3)), isOpen: row.integer(7) != 0,
            startedAt: Timestamp(microseconds: row.integer(4)),
            endedAt: row.optionalInteger(5).map(Timestamp.init(microseconds:)), inputsDigest: row.blob(6))
    }
}

extension EncodedEvent {
    /// The columns `init` reads, in its order.
    static let columns = """
        execution.id, execution.workflow, execution.traceparent, record.sequence, record.type, record.time,
        record.is_final, record.event
        """

    init(_ row: SQLStatement, from first: Int32) throws {
        self.init(
            executionID: try ExecutionID(row, first), workflow: row.text(first + 1),
            sequence: Int(row.integer(first + 3)), type: row.text(first + 4),
            time: Timestamp(microseconds: row.integer(first + 5)), isFinal: row.integer(first + 6) != 0,
            bytes: row.blob(first + 7), traceparent: row.optionalText(first + 2))
    }
}
