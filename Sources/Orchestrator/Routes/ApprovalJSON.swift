import WorkflowEngine
import WorkflowModel

/// How approvals are written in answers, and in the journal's listing of them.
enum ApprovalJSON {
    static func approval(_ approval: ApprovalState, of state: ExecutionState) -> JSONValue {
        var value = members(approval, state.execution)
        value["workflow"] = .string(state.definition.name)
        value["form_schema"] = state.definition(of: approval)?.form?.document ?? .null
        return .object(value)
    }

    /// Without what only the definition knows.
    static func approval(_ approval: ApprovalState, execution: ExecutionID) -> JSONValue {
        .object(members(approval, execution))
    }

    private static func members(_ approval: ApprovalState, _ execution: ExecutionID) -> JSONObject {
        let decision = approval.decision
        return JSONObject([
            ("approval_id", .string(approval.id)), ("execution_id", .string(execution.description)),
            ("kind", .string(approval.kind.rawValue)),
            ("step_name", text(approval.path)), ("status", .string(approval.status.rawValue)),
            ("approvers", .array(approval.approvers.map { .string($0) })), ("quorum", .int(Int64(approval.quorum))),
            ("four_eyes", .bool(approval.fourEyes)), ("reason", .string(approval.reason)),
            ("risk_score", .double(approval.risk)), ("requested_at", time(approval.requestedAt)),
            ("deadline_at", time(approval.deadlineAt)), ("stage", .int(Int64(approval.stage))),
            ("votes", .array(approval.votes.map(vote))), ("decided_by", text(decision?.decidedBy)),
            ("comment", text(decision?.comment)), ("policy", text(decision?.policy.rawValue)),
            ("decided_at", time(decision?.at)),
        ])
    }

    /// Rows of the listing for what a decision changed.
    static func changed(from before: [ApprovalState], to state: ExecutionState) -> [ApprovalSummary] {
        state.approvals.enumerated().compactMap { index, approval in
            if index < before.count, before[index] == approval { return nil }
            return ApprovalSummary(
                id: approval.id, execution: state.execution, workflow: state.definition.name, status: approval.status,
                details: self.approval(approval, of: state).encoded)
        }
    }

    private static func vote(_ vote: RecordBody.ApprovalVoted) -> JSONValue {
        [
            "approver": .string(vote.approver), "decision": .string(vote.decision.rawValue),
            "comment": text(vote.comment), "form": vote.form ?? .null, "at": time(vote.at),
        ]
    }

    private static func time(_ value: Timestamp?) -> JSONValue { value.map { .string($0.description) } ?? .null }
    private static func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
}
