package import WorkflowModel

/// One row of the listing of approvals.
package struct ApprovalSummary: Hashable, Sendable {
    /// Unique among all.
    package var id: String
    package var execution: ExecutionID
    package var workflow: String
    package var status: ApprovalStatus
    /// What a reader of the listing is told, as JSON; the journal does not look into it.
    package var details: [UInt8]

    package init(id: String, execution: ExecutionID, workflow: String, status: ApprovalStatus, details: [UInt8]) {
        self.id = id
        self.execution = execution
        self.workflow = workflow
        self.status = status
        self.details = details
    }
}

package struct ApprovalFilter: Hashable, Sendable {
    package var workflow: String?
    package var status: ApprovalStatus?
    /// Only approvals that were asked for before this one.
    package var before: String?

    package init(workflow: String? = nil, status: ApprovalStatus? = nil, before: String? = nil) {
        self.workflow = workflow
        self.status = status
        self.before = before
    }
}
