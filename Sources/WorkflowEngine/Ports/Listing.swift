package import WorkflowModel

package enum ExecutionStatus: String, CaseIterable, Sendable {
    case running, waiting, completed, failed, cancelled
}

/// One row of the listing of executions.
package struct ExecutionSummary: Hashable, Sendable {
    package var execution: ExecutionID
    package var workflow: String
    package var revision: Int
    package var status: ExecutionStatus
    /// False once the final event is recorded; an open execution is found by recovery.
    package var isOpen: Bool
    package var startedAt: Timestamp
    package var endedAt: Timestamp?
    /// SHA-256 of the inputs, to answer a repeated start with a given execution ID.
    package var inputsDigest: [UInt8]

    package init(
        execution: ExecutionID, workflow: String, revision: Int, status: ExecutionStatus, isOpen: Bool,
        startedAt: Timestamp, endedAt: Timestamp?, inputsDigest: [UInt8]
    ) {
        self.execution = execution
        self.workflow = workflow
        self.revision = revision
        self.status = status
        self.isOpen = isOpen
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.inputsDigest = inputsDigest
    }
}

package struct ExecutionFilter: Hashable, Sendable {
    package var workflow: String?
    package var status: ExecutionStatus?
    /// Only executions created before this one (by identifier).
    package var before: ExecutionID?

    package init(workflow: String? = nil, status: ExecutionStatus? = nil, before: ExecutionID? = nil) {
        self.workflow = workflow
        self.status = status
        self.before = before
    }
}

/// One stored revision of a definition, with its source as it was given.
package struct StoredDefinition: Hashable, Sendable {
    package enum Format: String, Sendable { case yaml, json }

    package struct Draft: Hashable, Sendable {
        package var name: String
        package var format: Format
        package var source: [UInt8]
        package var at: Timestamp
        package init(name: String, format: Format, source: [UInt8], at: Timestamp) {
            self.name = name
            self.format = format
            self.source = source
            self.at = at
        }
    }

    package var name: String
    /// 1, 2, 3 … for each name.
    package var revision: Int
    package var format: Format
    package var source: [UInt8]
    package var createdAt: Timestamp

    package init(name: String, revision: Int, format: Format, source: [UInt8], createdAt: Timestamp) {
        self.name = name
        self.revision = revision
        self.format = format
        self.source = source
        self.createdAt = createdAt
    }
}
