import WorkflowModel

/// Checks the approvals among an execution's public events against the contract, from their bytes alone.
struct ApprovalChecker {
    static let outcomes: Set = ["approval_granted", "approval_rejected", "approval_expired"]

    private struct Pending {
        var id: String
        var step: String?
        var definition: ApprovalDefinition
        var approvers: [String]
        var deadline: String
        var stage: Int64 = 0
        var isEscalated = false
        var votes: [(approver: String, decision: String, comment: String?)] = []
    }

    let definition: WorkflowDefinition

    func check(_ events: [EncodedEvent]) throws(TranscriptChecker.Fault) {
        var pending: Pending?
        var isCompleted = false
        var isCancelled = false
        for event in events {
            let data = (try? JSONValue(parsing: event.bytes))?["data"] ?? .null
            if isCompleted, !event.type.hasPrefix("approval_") { throw fault("\(event.type) after the completion") }
            if !event.type.hasPrefix("approval_") {
                // Nothing goes on while a gate is closed; the completion stands behind the request for its release.
                if let step = pending?.step { throw fault("\(event.type) while \(step) waits") }
                if event.type == "execution_completed" {
                    isCompleted = true
                    guard data["requires_approval"]?.boolValue == (pending != nil) else {
                        throw fault("requires_approval is not what the events say")
                    }
                } else if pending != nil { throw fault("\(event.type) while the release waits") }
                continue
            }
            if event.type == "approval_requested" {
                guard pending == nil else { throw fault("two approvals wait at once") }
                pending = try request(data)
                continue
            }
            guard var current = pending, data["approval_id"]?.stringValue == current.id else {
                throw fault("\(event.type) of an approval that does not wait")
            }
            switch event.type {
            case "approval_vote": try vote(data, event, &current)
            case "approval_reminder", "approval_escalated": try notice(data, event, &current)
            default:
                try outcome(data, event, current)
                isCancelled = isCancelled || data["policy"]?.stringValue == "cancelled"
                pending = nil
                continue
            }
            pending = current
        }
        if let pending { throw fault("\(pending.id) was never settled") }
        if isCancelled, events.last?.type != "execution_cancelled" { throw fault("an approval was cancelled alone") }
    }

    private func fault(_ message: String) -> TranscriptChecker.Fault { TranscriptChecker.Fault(message: message) }

    private func request(_ data: JSONValue) throws(TranscriptChecker.Fault) -> Pending {
        let step = data["step_name"]?.stringValue
        let found =
            step.map { name in definition.steps.first { $0.name == name }?.gate } ?? definition.release?.approval
        guard let approval = found, let deadline = data["deadline_at"]?.stringValue else {
            throw fault("an approval is asked for that the definition has not")
        }
        return Pending(
            id: data["approval_id"]?.stringValue ?? "", step: step, definition: approval, approvers: approval.approvers,
            deadline: deadline)
    }

    private func vote(_ data: JSONValue, _ event: EncodedEvent, _ pending: inout Pending) throws(TranscriptChecker
        .Fault)
    {
        let approver = data["approver"]?.stringValue ?? ""
        guard pending.approvers.contains(approver) else { throw fault("\(approver) votes and is no approver") }
        if pending.definition.fourEyes, approver == "starter" { throw fault("who started votes under four eyes") }
        if pending.votes.contains(where: { $0.approver == approver }) { throw fault("\(approver) votes twice") }
        guard event.time.description < pending.deadline else { throw fault("a vote counts after the deadline") }
        pending.votes.append((approver, data["decision"]?.stringValue ?? "", data["comment"]?.stringValue))
    }

    private func notice(
        _ data: JSONValue, _ event: EncodedEvent, _ pending: inout Pending
    ) throws(TranscriptChecker.Fault) {
        pending.stage += 1
        guard data["stage"]?.intValue == pending.stage else { throw fault("stage \(pending.stage) is missing") }
        if event.type == "approval_escalated" {
            if pending.isEscalated { throw fault("escalated twice") }
            pending.isEscalated = true
            pending.approvers += pending.definition.escalateTo.filter { !pending.approvers.contains($0) }
        }
        guard data["approvers"]?.arrayValue?.compactMap(\.stringValue) == pending.approvers else {
            throw fault("the approvers of \(event.type) are wrong")
        }
        pending.deadline = data["deadline_at"]?.stringValue ?? ""
    }

    private func outcome(_ data: JSONValue, _ event: EncodedEvent, _ pending: Pending) throws(TranscriptChecker.Fault) {
        let approvals = pending.votes.count { $0.decision == "approve" }
        let last = pending.votes.last
        let isByVote =
            data["decided_by"]?.stringValue == last?.approver && data["comment"]?.stringValue == last?.comment
        let isJust =
            switch (event.type, data["policy"]?.stringValue) {
            case ("approval_granted", "quorum"):
                approvals == pending.definition.quorum && last?.decision == "approve" && isByVote
            case ("approval_rejected", "rejection"): last?.decision == "reject" && isByVote
            case ("approval_granted", "deadline"): pending.definition.onExpiry == .approve
            case ("approval_rejected", "deadline"): pending.definition.onExpiry == .reject
            case ("approval_expired", "deadline"):
                pending.definition.onExpiry == .fail || pending.definition.onExpiry == .escalate && pending.isEscalated
            case ("approval_expired", "cancelled"): true
            default: false
            }
        if data["policy"]?.stringValue == "deadline" {
            let isDecided = approvals >= pending.definition.quorum || pending.votes.contains { $0.decision == "reject" }
            if isDecided { throw fault("the deadline decides \(pending.id), which votes have decided") }
        }
        guard isJust else { throw fault("\(event.type) of \(pending.id) has no ground: \(data.encodedText)") }
        if data["policy"]?.stringValue == "deadline", event.time.description < pending.deadline {
            throw fault("\(pending.id) expires before its deadline")
        }
        let isFinal = pending.step == nil
        guard event.isFinal == isFinal else { throw fault("final of \(event.type) is \(event.isFinal)") }
    }
}
