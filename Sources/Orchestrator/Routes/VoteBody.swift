import WebServing
import WorkflowEngine
import WorkflowModel

/// The body of a decision: `{"decision": "approve"|"reject", "comment": "…", "form": …, "approval_id": "…"}`.
enum VoteBody {
    /// A form of 64 KiB and a comment, each escaped.
    static let bytesMax = 128 << 10
    private static let members = ["decision", "comment", "form", "approval_id"]

    /// - Throws: 422 with every fault.
    static func command(_ body: JSONValue, voter: VoteCommand.Voter) throws(Problem) -> VoteCommand {
        guard let object = body.objectValue else {
            throw Problem(422, "invalid_body", "the body is a JSON object with `decision`, not \(body.typeName)")
        }
        var faults: [Problem.Fault] = []
        for key in object.keys where !members.contains(key) {
            faults.append(
                .init(
                    path: "/\(key)", code: "unknown_member",
                    message: "known members are \(members.joined(separator: ", "))"))
        }
        let decision = body["decision"]?.stringValue.flatMap { ApprovalDecision(rawValue: $0) }
        if decision == nil {
            let known = ApprovalDecision.allCases.map(\.rawValue).joined(separator: " or ")
            faults.append(.init(path: "/decision", code: "enum", message: "expected \(known)"))
        }
        for key in ["comment", "approval_id"] {
            guard let value = body[key], !value.isNull, value.stringValue == nil else { continue }
            faults.append(.init(path: "/\(key)", code: "type", message: "expected a string, not \(value.typeName)"))
        }
        guard let decision, faults.isEmpty else {
            throw Problem(422, "invalid_body", "the body cannot be used", faults: faults)
        }
        var command = VoteCommand(
            approvalID: body["approval_id"]?.stringValue, voter: voter, decision: decision,
            comment: body["comment"]?.stringValue)
        if let form = body["form"], !form.isNull { command.form = form }
        return command
    }
}

extension VoteRefusal {
    /// What is settled is answered with how.
    var problem: Problem {
        let status =
            switch code {
            case .unknownApproval: 404
            case .notApprover, .fourEyes: 403
            case .ambiguous, .decided, .voted: 409
            case .linkUsed: 410
            case .invalidForm, .tooLong: 422
            }
        var problem = Problem(
            status, code.rawValue, message,
            faults: violations.map { .init(path: "/form\($0.path)", code: $0.keyword, message: $0.message) })
        if let approval {
            problem.members["approval_id"] = .string(approval.id)
            problem.members["approval_status"] = .string(approval.status.rawValue)
            problem.members["decided_by"] = approval.decision?.decidedBy.map { .string($0) } ?? .null
            problem.members["comment"] = approval.decision?.comment.map { .string($0) } ?? .null
            problem.members["policy"] = approval.decision.map { .string($0.policy.rawValue) } ?? .null
        }
        if !candidates.isEmpty { problem.members["approvals"] = .array(candidates.map { .string($0) }) }
        return problem
    }
}
