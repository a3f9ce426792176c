package import WorkflowModel

/// Asking, voting, reminding, deciding. One approval is pending at a time: steps run in sequence.
extension ExecutionStateMachine {
    /// Takes a vote. What is due by the clock happens first, so that a deadline that has passed has passed.
    package mutating func vote(_ command: VoteCommand, now: Timestamp) -> (decision: Decision, answer: VoteAnswer) {
        var decision = Decision()
        if state.isOpen, let due = state.pendingApproval?.nextTimer, due <= now {
            runApprovalTimers(now: now, into: &decision)
        }
        let answer = take(command, now: now, into: &decision)
        settle(now: now, into: &decision)
        return (decision, answer)
    }

    private mutating func take(_ command: VoteCommand, now: Timestamp, into decision: inout Decision) -> VoteAnswer {
        let approval: ApprovalState
        do throws(VoteRefusal) {
            approval = try meant(by: command)
            if try isRepetition(command, of: approval) { return .repeated(approval) }
            try check(command, of: approval)
        } catch { return .refused(error) }
        let vote = RecordBody.ApprovalVoted(
            id: approval.id, approver: command.voter.name, decision: command.decision, comment: command.comment,
            form: command.form, nonce: command.nonce, at: now)
        emit(
            .approvalVoted(vote),
            .approvalVote(
                EventData.ApprovalVote(
                    approvalID: approval.id, approver: vote.approver, decision: vote.decision, comment: vote.comment,
                    at: now)),
            now: now, into: &decision)
        if command.decision == .reject {
            settleApproval(.rejected, by: vote, .rejection, now: now, into: &decision)
        } else if approval.approvals + 1 >= approval.quorum {
            settleApproval(.granted, by: vote, .quorum, now: now, into: &decision)
        }
        return .recorded(state.approvals.first { $0.id == approval.id } ?? approval)
    }

    // MARK: Whether a vote counts

    private func meant(by command: VoteCommand) throws(VoteRefusal) -> ApprovalState {
        if let id = command.approvalID {
            if let approval = state.approvals.first(where: { $0.id == id }) { return approval }
            throw VoteRefusal(.unknownApproval, "execution \(state.execution) has no approval \(id)")
        }
        if let pending = state.pendingApproval {
            try checkMeaning(of: command, pending)
            return pending
        }
        guard let only = state.approvals.first else {
            throw VoteRefusal(.unknownApproval, "execution \(state.execution) has asked for no approval")
        }
        guard state.approvals.count == 1 else {
            throw VoteRefusal(
                .ambiguous, "no approval is pending and there are \(state.approvals.count); name one as approval_id",
                candidates: state.approvals.map(\.id))
        }
        return only
    }

    /// - Throws: when the same was said of an earlier approval: perhaps the answer to that was lost and is asked for
    ///   again, and what was meant for the one must not decide the other.
    private func checkMeaning(of command: VoteCommand, _ pending: ApprovalState) throws(VoteRefusal) {
        let name = command.voter.name
        guard pending.vote(of: name) == nil,
            let earlier = state.approvals.last(where: { $0.vote(of: name)?.says(command) == true })
        else { return }
        throw VoteRefusal(
            .ambiguous,
            "\(name) has said the same of \(earlier.id), and \(pending.id) is pending; name one as approval_id",
            candidates: [earlier.id, pending.id])
    }

    /// - Throws: when the voter has said something else before.
    private func isRepetition(_ command: VoteCommand, of approval: ApprovalState) throws(VoteRefusal) -> Bool {
        guard let vote = approval.vote(of: command.voter.name) else { return false }
        if command.nonce != nil {
            throw VoteRefusal(.linkUsed, "\(vote.approver) has voted; the link is used up", approval: approval)
        }
        if vote.says(command) { return true }
        if approval.isPending {
            throw VoteRefusal(
                .voted, "\(vote.approver) has voted to \(vote.decision.rawValue); a vote stands", approval: approval)
        }
        return false
    }

    private func check(_ command: VoteCommand, of approval: ApprovalState) throws(VoteRefusal) {
        let voter = command.voter
        let isApprover =
            voter.isInEveryGroup
            || approval.approvers.contains { $0 == voter.name || voter.groups.contains($0) }
        guard isApprover else {
            throw VoteRefusal(
                .notApprover,
                "\(voter.name) is not among the approvers of \(approval.id): \(approval.approvers.joined(separator: ", "))"
            )
        }
        if approval.fourEyes, voter.name == state.startedBy {
            throw VoteRefusal(.fourEyes, "\(voter.name) started the execution; four eyes ask for somebody else")
        }
        guard approval.isPending else {
            let by = approval.decision?.decidedBy.map { " by \($0)" } ?? ""
            throw VoteRefusal(.decided, "\(approval.id) is \(approval.status.rawValue)\(by)", approval: approval)
        }
        if let comment = command.comment, comment.utf8.count > limits.messageBytesMax {
            throw VoteRefusal(.tooLong, "the comment exceeds the limit of \(limits.messageBytesMax) bytes")
        }
        try check(command.form, command.decision, of: approval)
    }

    private func check(
        _ form: JSONValue?, _ decision: ApprovalDecision, of approval: ApprovalState
    ) throws(VoteRefusal) {
        guard let schema = state.definition(of: approval)?.form else {
            if form == nil { return }
            throw VoteRefusal(.invalidForm, "\(approval.id) has no form; leave `form` out")
        }
        guard let form else {
            if decision == .reject { return }
            throw VoteRefusal(
                .invalidForm, "an approval of \(approval.id) brings a form; its schema is in `form_schema`")
        }
        guard form.encoded.count <= limits.formBytesMax else {
            throw VoteRefusal(.invalidForm, "the form exceeds the limit of \(limits.formBytesMax) bytes")
        }
        guard form.depth <= limits.formDepthMax else {
            throw VoteRefusal(.invalidForm, "the form nests deeper than \(limits.formDepthMax)")
        }
        let violations = schema.violations(of: form)
        if violations.isEmpty { return }
        throw VoteRefusal(.invalidForm, "the form does not fit its schema", violations: violations)
    }

    // MARK: Asking

    /// Begins the one attempt of a gate, which ends with the decision.
    mutating func openGate(
        _ index: Int, _ gate: ApprovalDefinition, reason: String, now: Timestamp, into decision: inout Decision
    ) {
        beginAttempt(index, input: nil, now: now, into: &decision)
        request(.gate, path(index), gate, risk: state.reportedRisk, reason: reason, now: now, into: &decision)
    }

    /// - Parameter reason: why it is required, where the definition has no words of its own.
    mutating func requestRelease(
        _ release: ReleaseDefinition, risk: Double, reason: String, now: Timestamp, into decision: inout Decision
    ) {
        request(.release, nil, release.approval, risk: risk, reason: reason, now: now, into: &decision)
    }

    private mutating func request(
        _ kind: ApprovalKind, _ path: String?, _ definition: ApprovalDefinition, risk: Double, reason: String,
        now: Timestamp, into decision: inout Decision
    ) {
        let body = RecordBody.ApprovalRequested(
            id: ApprovalState.id(state.execution, kind, path: path), kind: kind, path: path, reason: limits.cut(reason),
            risk: risk, deadlineAt: definition.deadline.map { now + $0 },
            remindAt: definition.remindEvery.map { now + $0 }, escalateAt: definition.escalateAfter.map { now + $0 },
            at: now)
        emit(
            .approvalRequested(body),
            .approvalRequested(
                EventData.ApprovalRequested(
                    approvalID: body.id, kind: kind, stepName: path, approvers: definition.approvers,
                    quorum: definition.quorum, fourEyes: definition.fourEyes, deadlineAt: body.deadlineAt,
                    riskScore: risk, reason: body.reason, formSchema: definition.form?.document)),
            now: now, into: &decision)
        armApprovalTimer(into: &decision)
    }

    // MARK: The clock

    /// Does what is due, the deadline before all else; of overdue reminders one.
    mutating func runApprovalTimers(now: Timestamp, into decision: inout Decision) {
        while let approval = state.pendingApproval, let due = approval.nextTimer, due <= now {
            if let deadline = approval.deadlineAt, deadline <= now {
                expire(approval, now: now, into: &decision)
            } else if let at = approval.escalateAt, at <= now {
                escalate(approval, deadlineAt: approval.deadlineAt, now: now, into: &decision)
            } else {
                remind(approval, now: now, into: &decision)
            }
        }
        armApprovalTimer(into: &decision)
    }

    private mutating func expire(_ approval: ApprovalState, now: Timestamp, into decision: inout Decision) {
        let definition = state.definition(of: approval)
        switch definition?.onExpiry ?? .fail {
        case .escalate where !approval.isEscalated:
            escalate(approval, deadlineAt: definition?.deadline.map { now + $0 }, now: now, into: &decision)
        case .approve: settleApproval(.granted, approval, .deadline, now: now, into: &decision)
        case .reject: settleApproval(.rejected, approval, .deadline, now: now, into: &decision)
        case .fail, .escalate: settleApproval(.expired, approval, .deadline, now: now, into: &decision)
        }
    }

    private mutating func escalate(
        _ approval: ApprovalState, deadlineAt: Timestamp?, now: Timestamp, into decision: inout Decision
    ) {
        notify(approval, isEscalation: true, deadlineAt: deadlineAt, now: now, into: &decision)
    }

    private mutating func remind(_ approval: ApprovalState, now: Timestamp, into decision: inout Decision) {
        notify(approval, isEscalation: false, deadlineAt: approval.deadlineAt, now: now, into: &decision)
    }

    private mutating func notify(
        _ approval: ApprovalState, isEscalation: Bool, deadlineAt: Timestamp?, now: Timestamp,
        into decision: inout Decision
    ) {
        let definition = state.definition(of: approval)
        let body = RecordBody.ApprovalNotified(
            id: approval.id, stage: approval.stage + 1, isEscalation: isEscalation, deadlineAt: deadlineAt,
            remindAt: approval.stage + 1 < limits.noticesMax ? definition?.remindEvery.map { now + $0 } : nil, at: now)
        let others = isEscalation ? (definition?.escalateTo ?? []).filter { !approval.approvers.contains($0) } : []
        let notice = EventData.ApprovalNotice(
            approvalID: approval.id, stage: body.stage, approvers: approval.approvers + others, deadlineAt: deadlineAt)
        emit(
            .approvalNotified(body), isEscalation ? .approvalEscalated(notice) : .approvalReminder(notice), now: now,
            into: &decision)
    }

    private func armApprovalTimer(into decision: inout Decision) {
        if let next = state.pendingApproval?.nextTimer { decision.effects.append(.wake(at: next)) }
    }

    // MARK: The decision

    private mutating func settleApproval(
        _ status: ApprovalStatus, by vote: RecordBody.ApprovalVoted, _ policy: ApprovalPolicy, now: Timestamp,
        into decision: inout Decision
    ) {
        guard let approval = state.pendingApproval else { return }
        settleApproval(status, approval, policy, by: vote, now: now, into: &decision)
    }

    /// Ends the approval, and with it the gate's step or the execution.
    mutating func settleApproval(
        _ status: ApprovalStatus, _ approval: ApprovalState, _ policy: ApprovalPolicy,
        by vote: RecordBody.ApprovalVoted? = nil, now: Timestamp, into decision: inout Decision
    ) {
        let body = RecordBody.ApprovalDecided(
            id: approval.id, status: status, decidedBy: vote?.approver, comment: vote?.comment, policy: policy, at: now)
        let outcome = EventData.ApprovalOutcome(
            approvalID: approval.id, decidedBy: body.decidedBy, comment: body.comment, policy: policy)
        let isFinal = approval.kind == .release
        switch status {
        case .granted:
            emit(.approvalDecided(body), .approvalGranted(outcome), now: now, isFinal: isFinal, into: &decision)
        case .rejected:
            emit(.approvalDecided(body), .approvalRejected(outcome), now: now, isFinal: isFinal, into: &decision)
        case .expired, .pending:
            emit(.approvalDecided(body), .approvalExpired(outcome), now: now, isFinal: isFinal, into: &decision)
        }
        if isFinal { decision.effects.append(.end) } else { closeGate(approval, body, now: now, into: &decision) }
    }

    private mutating func closeGate(
        _ approval: ApprovalState, _ decided: RecordBody.ApprovalDecided, now: Timestamp, into decision: inout Decision
    ) {
        guard let path = approval.path, let index = state.index(of: path) else { return }
        if decided.status == .granted {
            let votes = state.approvals.first { $0.id == approval.id }?.votes ?? approval.votes
            complete(
                index, Self.output(of: decided, votes), StepOutcome(result: .completed(output: [])), now: now,
                into: &decision)
        } else {
            let who = decided.decidedBy.map { " by \($0)" } ?? ""
            let why = decided.comment.map { ": \($0)" } ?? ""
            let code = decided.status == .rejected ? StepErrorCode.approvalRejected : StepErrorCode.approvalExpired
            let error = StepError(
                code: code, message: "the approval was \(decided.status.rawValue)\(who)\(why)", isRetryable: false)
            fail(index, error, StepOutcome(result: .failed(error)), now: now, random: 0, into: &decision)
        }
    }

    /// What later steps see as the gate's output.
    private static func output(of decided: RecordBody.ApprovalDecided, _ votes: [RecordBody.ApprovalVoted]) -> JSONValue
    {
        let text = { (value: String?) -> JSONValue in value.map { .string($0) } ?? .null }
        return [
            "approval_id": .string(decided.id), "status": .string(decided.status.rawValue),
            "policy": .string(decided.policy.rawValue), "decided_by": text(decided.decidedBy),
            "comment": text(decided.comment),
            "form": votes.last { $0.approver == decided.decidedBy }?.form ?? .null,
            "votes": .array(
                votes.map { vote in
                    [
                        "approver": .string(vote.approver), "decision": .string(vote.decision.rawValue),
                        "comment": text(vote.comment), "form": vote.form ?? .null, "at": .string(vote.at.description),
                    ]
                }),
        ]
    }
}
