package import WebServing
package import WorkflowEngine
import WorkflowModel

/// `/api/v1/approvals` and `POST /api/v1/executions/{id}/approval`: what waits for a decision, and the decision.
package struct ApprovalRoutes: RouteProvider {
    private let executions: Executions
    private let journal: any Journal

    package init(executions: Executions, journal: any Journal) {
        self.executions = executions
        self.journal = journal
    }

    package func addRoutes(to router: inout WebRouter) {
        router.get("/api/v1/approvals") { try await list($0) }
        // Whether the caller may decide is the approval's to say.
        router.post(
            "/api/v1/executions/{id}/approval", access: .callers, bodyBytesMax: VoteBody.bytesMax
        ) { try await decide($0) }
    }

    private func list(_ request: WebRequest) async throws -> WebResponse {
        let page = try Page(request, "workflow", "status")
        var filter = ApprovalFilter(
            workflow: request.query["workflow"], status: .pending, before: try page.position(Self.approvalID))
        if let text = request.query["status"] {
            filter.status = ApprovalStatus(rawValue: text)
            guard filter.status != nil || text == "all" else {
                let known = ApprovalStatus.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem.invalidParameter("status", "expected one of \(known), all, not \"\(text)\"")
            }
        }
        let approvals = try await journal.approvals(filter, limit: page.limit + 1)
        let shown = approvals.prefix(page.limit)
        var writer = JSONWriter(reserving: 1024 * (shown.count + 1))
        writer.raw("{\"items\":[")
        for (index, approval) in shown.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.raw(approval.details)
        }
        writer.raw("],\"next\":")
        writer.optionalString(approvals.count > page.limit ? shown.last?.id : nil)
        writer.raw("}")
        return .json(writer.bytes)
    }

    /// As `ApprovalState.id` makes it: an execution, a kind, and the step of a gate.
    private static func approvalID(_ text: String) -> String? {
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, ExecutionID(String(parts[0])) != nil else { return nil }
        switch ApprovalKind(rawValue: String(parts[1])) {
        case .gate: return parts.count == 3 && DefinitionNames.isStepName(String(parts[2])) ? text : nil
        case .release: return parts.count == 2 ? text : nil
        case nil: return nil
        }
    }

    private func decide(_ request: WebRequest) async throws -> WebResponse {
        let text = request.pathParameter("id")
        guard let execution = ExecutionID(text) else {
            throw Problem(
                404, OrchestratorError.Code.unknownExecution.rawValue,
                "\"\(text)\" is not an execution ID (a lower-case UUID version 7)")
        }
        let caller = request.caller
        let command = try VoteBody.command(
            try await request.json(),
            voter: VoteCommand.Voter(
                name: caller.name, groups: caller.groups, isInEveryGroup: caller.isInEveryGroup))
        switch try await executions.vote(command, on: execution) {
        case .recorded(let approval), .repeated(let approval):
            return .json(ApprovalJSON.approval(approval, execution: execution))
        case .refused(let refusal): throw refusal.problem
        }
    }
}
