import Testing
import WorkflowEngine
import WorkflowModel

@Suite("Approvals in the state machine")
struct ApprovalTests {
    private static let hour: Int64 = 3_600_000

    /// A gate, and a step behind it.
    private static func gated(_ approval: ApprovalDefinition, onFailure: FailurePolicy = .fail) throws
        -> TransitionBench
    {
        var bench = try TransitionBench([StepRow(name: "g", onFailure: onFailure, gate: approval), StepRow(name: "b")])
        #expect(
            try bench.lines(.start).prefix(3) == [
                "started | execution_started", "attemptStarted g#1 | step_started",
                "approvalRequested g | approval_requested",
            ])
        return bench
    }

    private static func vote(
        _ name: String, _ decision: ApprovalDecision = .approve, groups: Set<String> = [], comment: String? = nil,
        form: JSONValue? = nil, nonce: String? = nil, id: String? = nil
    ) -> TransitionInput {
        .vote(
            VoteCommand(
                approvalID: id, voter: .init(name: name, groups: groups), decision: decision, comment: comment,
                form: form,
                nonce: nonce))
    }

    private static let goesOn = [
        "attemptCompleted g#1 | step_completed", "attemptStarted b#1 | step_started", "→ run b#1",
    ]
    private static func fails(_ code: String) -> [String] {
        ["stepFailed g#1 \(code) | step_failed", "executionFailed \(code) by g | execution_failed final", "→ end"]
    }

    // MARK: Gates

    @Test("a gate that is granted lets the run go on, with the decision as the step's output")
    func granted() throws {
        var bench = try Self.gated(ApprovalDefinition(approvers: ["ann"]))
        #expect(bench.machine.state.status == .waiting && bench.machine.state.steps[0].status == .waiting)
        #expect(
            try bench.lines(Self.vote("ann", comment: "fine"), at: 5) == [
                "approvalVoted ann approve | approval_vote", "approvalDecided granted by ann quorum | approval_granted",
            ] + Self.goesOn)
        let output = bench.machine.state.stepValues["g"]?["output"]
        #expect(output?["decided_by"] == "ann" && output?["comment"] == "fine" && output?["status"] == "granted")
        #expect(bench.machine.state.status == .running)
    }

    @Test("a gate that is rejected fails its step, and the run by the step's policy")
    func rejected() throws {
        var bench = try Self.gated(ApprovalDefinition(approvers: ["ann"], quorum: 3))
        #expect(
            try bench.lines(Self.vote("ann", .reject)) == [
                "approvalVoted ann reject | approval_vote",
                "approvalDecided rejected by ann rejection | approval_rejected",
            ] + Self.fails("approval_rejected"))
        bench = try Self.gated(ApprovalDefinition(approvers: ["ann"]), onFailure: .continue)
        #expect(try bench.lines(Self.vote("ann", .reject)).last == "→ run b#1")
    }

    @Test(
        "a gate whose condition has no answer is closed and says why, whatever its failure would mean",
        arguments: [("inputs.absent.deeper > 1", "absent"), ("1 + 1", "not a boolean")], FailurePolicy.allCases)
    func unknownCondition(condition: (text: String, words: String), onFailure: FailurePolicy) throws {
        let gate = ApprovalDefinition(approvers: ["ann"], reason: "always")
        var bench = try TransitionBench([
            StepRow(name: "g", when: condition.text, onFailure: onFailure, gate: gate), StepRow(name: "b"),
        ])
        #expect(try bench.lines(.start).last == "approvalRequested g | approval_requested")
        #expect(bench.machine.state.pendingApproval?.reason.contains(condition.words) == true)
        #expect(try bench.lines(Self.vote("ann")) == [
            "approvalVoted ann approve | approval_vote", "approvalDecided granted by ann quorum | approval_granted",
        ] + Self.goesOn)
    }

    @Test("a quorum counts approvers, and groups by who is in them")
    func quorum() throws {
        var bench = try Self.gated(ApprovalDefinition(approvers: ["stewards", "ann"], quorum: 2))
        let first = Self.vote("bob", groups: ["stewards"])
        #expect(try bench.lines(first) == ["approvalVoted bob approve | approval_vote"])
        #expect(try bench.lines(first) == [], "the same again")
        guard case .repeated = bench.answer else { return #expect(Bool(false), "\(String(describing: bench.answer))") }
        #expect(try bench.lines(Self.vote("bob", .reject, groups: ["stewards"])) == [])
        #expect(bench.refusal == .voted)
        #expect(try bench.lines(Self.vote("carl", groups: ["others"])) == [])
        #expect(bench.refusal == .notApprover)
        #expect(try bench.lines(Self.vote("ann")).last == "→ run b#1")
    }

    @Test("under four eyes whoever started may not decide, by name or by group")
    func fourEyes() throws {
        var bench = try Self.gated(ApprovalDefinition(approvers: ["starter", "all"], fourEyes: true))
        for decision in ApprovalDecision.allCases {
            #expect(try bench.lines(Self.vote("starter", decision, groups: ["all"])) == [])
            #expect(bench.refusal == .fourEyes)
        }
        let local = VoteCommand.Voter(name: "local", isInEveryGroup: true)
        #expect(try bench.lines(.vote(VoteCommand(voter: local, decision: .approve))).last == "→ run b#1")
    }

    @Test("once it is decided, the same vote is repeated and every other told of the outcome")
    func decidedOnce() throws {
        var bench = try Self.gated(ApprovalDefinition(approvers: ["ann", "bob"]))
        _ = try bench.decide(Self.vote("ann", comment: "mine"))
        #expect(try bench.lines(Self.vote("ann", comment: "mine")) == [])
        guard case .repeated(let approval) = bench.answer else { return #expect(Bool(false)) }
        #expect(approval.decision?.comment == "mine")
        for late in [Self.vote("bob"), Self.vote("ann", comment: "other"), Self.vote("ann", .reject)] {
            #expect(try bench.lines(late) == [])
            #expect(bench.refusal == .decided)
        }
        // And after the end.
        _ = try bench.decide(.completed("b"))
        #expect(!bench.machine.state.isOpen)
        #expect(try bench.lines(Self.vote("bob")) == [])
        #expect(bench.refusal == .decided)
    }

    @Test("a link votes once")
    func links() throws {
        var bench = try Self.gated(ApprovalDefinition(approvers: ["ann", "bob"], quorum: 2))
        #expect(try bench.lines(Self.vote("ann", nonce: "n1")).count == 1)
        for nonce in ["n1", "n2"] {
            #expect(try bench.lines(Self.vote("ann", nonce: nonce)) == [])
            #expect(bench.refusal == .linkUsed)
        }
    }

    @Test("a form is held to its schema; a rejection needs none")
    func forms() throws {
        let form = try JSONSchema([
            "type": "object", "required": ["ticket"], "properties": ["ticket": ["type": "string"]],
        ])
        let approval = ApprovalDefinition(approvers: ["ann"], form: form)
        var bench = try Self.gated(approval)
        for wrong in [nil, ["ticket": 1], [:]] as [JSONValue?] {
            #expect(try bench.lines(Self.vote("ann", form: wrong)) == [])
            #expect(bench.refusal == .invalidForm)
        }
        #expect(try bench.lines(Self.vote("ann", form: ["ticket": "T-1"])).last == "→ run b#1")
        #expect(bench.machine.state.stepValues["g"]?["output"]?["form"]?["ticket"] == "T-1")
        bench = try Self.gated(approval)
        #expect(try bench.lines(Self.vote("ann", .reject)).last == "→ end")
        bench = try Self.gated(ApprovalDefinition(approvers: ["ann"]))
        _ = try bench.decide(Self.vote("ann", form: [:]))
        #expect(bench.refusal == .invalidForm)
    }

    @Test("an approval that is not there, or could be several, is not decided")
    func whichApproval() throws {
        var bench = try Self.gated(ApprovalDefinition(approvers: ["ann"]))
        _ = try bench.decide(Self.vote("ann", id: "\(bench.execution):gate:x"))
        #expect(bench.refusal == .unknownApproval)
        #expect(try bench.lines(Self.vote("ann", id: "\(bench.execution):gate:g")).last == "→ run b#1")
        var plain = try TransitionBench([StepRow(name: "a")])
        _ = try plain.decide(.start)
        _ = try plain.decide(Self.vote("ann"))
        #expect(plain.refusal == .unknownApproval)
        let gate = ApprovalDefinition(approvers: ["ann"])
        var two = try TransitionBench([StepRow(name: "g", gate: gate), StepRow(name: "h", gate: gate)])
        _ = try two.decide(.start)
        #expect(try two.lines(Self.vote("ann")).last == "approvalRequested h | approval_requested")
        // Whether that is the first one again, whose answer was lost, only its name can tell.
        #expect(try two.lines(Self.vote("ann")) == [])
        #expect(two.refusal == .ambiguous)
        #expect(try two.lines(Self.vote("ann", id: "\(two.execution):gate:g")) == [])
        #expect(two.refusal == nil)
        #expect(try two.lines(Self.vote("ann", comment: "this too")).last == "→ end")
        _ = try two.decide(Self.vote("bob"))
        #expect(two.refusal == .ambiguous)
    }

    @Test("a cancelled run gives its approval up")
    func cancelled() throws {
        var bench = try Self.gated(ApprovalDefinition(approvers: ["ann"]))
        #expect(
            try bench.lines(.cancel) == [
                "cancelRequested | –", "approvalDecided expired by – cancelled | approval_expired",
                "stepFailed g#1 cancelled | step_failed", "executionCancelled | execution_cancelled final", "→ end",
            ])
    }

    @Test("a restart waits on, with its timer, and keeps who voted")
    func restart() throws {
        var bench = try Self.gated(ApprovalDefinition(approvers: ["ann", "bob"], quorum: 2, deadline: .seconds(3_600)))
        _ = try bench.decide(Self.vote("ann"), at: 5)
        #expect(try bench.lines(.restart, at: 10) == ["→ wake at \(Self.hour)"])
        #expect(try bench.lines(Self.vote("bob"), at: 20).last == "→ run b#1")
    }

    // MARK: The clock

    @Test("a deadline decides as the definition says", arguments: ExpiryPolicy.allCases)
    func deadline(policy: ExpiryPolicy) throws {
        let approval = ApprovalDefinition(
            approvers: ["ann"], deadline: .seconds(3_600), escalateTo: ["boss"], onExpiry: policy)
        var bench = try Self.gated(approval)
        #expect(try bench.lines(.wake, at: Self.hour - 1) == ["→ wake at \(Self.hour)"])
        let lines = try bench.lines(.wake, at: Self.hour)
        switch policy {
        case .approve: #expect(lines == ["approvalDecided granted by – deadline | approval_granted"] + Self.goesOn)
        case .reject:
            #expect(
                lines == ["approvalDecided rejected by – deadline | approval_rejected"]
                    + Self.fails("approval_rejected"))
        case .fail:
            #expect(
                lines == ["approvalDecided expired by – deadline | approval_expired"] + Self.fails("approval_expired"))
        case .escalate:
            #expect(lines == ["approvalNotified 1 | approval_escalated", "→ wake at \(2 * Self.hour)"])
            #expect(bench.machine.state.pendingApproval?.approvers == ["ann", "boss"])
            let end = try bench.lines(.wake, at: 2 * Self.hour)
            #expect(
                end == ["approvalDecided expired by – deadline | approval_expired"] + Self.fails("approval_expired"))
        }
    }

    @Test("a vote that comes after the deadline is too late, though no timer has run yet")
    func tooLate() throws {
        var bench = try Self.gated(ApprovalDefinition(approvers: ["ann"], deadline: .seconds(3_600)))
        let lines = try bench.lines(Self.vote("ann"), at: Self.hour)
        #expect(lines.first == "approvalDecided expired by – deadline | approval_expired")
        #expect(bench.refusal == .decided)
    }

    @Test("a deadline that passes after the decision changes nothing", arguments: ApprovalDecision.allCases)
    func decidedBefore(decision: ApprovalDecision) throws {
        let approval = ApprovalDefinition(
            approvers: ["ann"], deadline: .seconds(3_600), remindEvery: .seconds(60), onExpiry: .approve)
        var bench = try Self.gated(approval, onFailure: .continue)
        #expect(try bench.lines(Self.vote("ann", decision), at: 5).last == "→ run b#1")
        for input in [.wake, .restart, .wake] as [TransitionInput] {
            #expect(try bench.lines(input, at: Self.hour).allSatisfy { !$0.contains("approval") })
        }
        #expect(bench.machine.state.approvals[0].status == (decision == .approve ? .granted : .rejected))
    }

    @Test("reminders come again and again, after a stop once, and the escalation once")
    func reminders() throws {
        let approval = ApprovalDefinition(
            approvers: ["ann"], deadline: .seconds(36_000), remindEvery: .seconds(3_600), escalateTo: ["boss"],
            escalateAfter: .seconds(9_000))
        var bench = try Self.gated(approval)
        #expect(
            try bench.lines(.wake, at: Self.hour) == [
                "approvalNotified 1 | approval_reminder", "→ wake at \(2 * Self.hour)",
            ])
        // Down for a while: what is overdue comes once.
        #expect(try bench.lines(.restart, at: 5 * Self.hour) == ["→ wake at \(2 * Self.hour)"])
        #expect(
            try bench.lines(.wake, at: 5 * Self.hour) == [
                "approvalNotified 2 | approval_escalated", "→ wake at \(6 * Self.hour)",
            ])
        #expect(
            try bench.lines(.wake, at: 10 * Self.hour).first
                == "approvalDecided expired by – deadline | approval_expired")
    }

    @Test("an approver is reminded so often and no more")
    func remindersEnd() throws {
        var bench = try Self.gated(
            ApprovalDefinition(approvers: ["ann"], deadline: .seconds(3_600), remindEvery: .milliseconds(1)))
        let reminders = try (1...1_200).map { try bench.lines(.wake, at: $0) }
        #expect(reminders.count { $0.first?.hasSuffix("approval_reminder") == true } == 1_000)
        #expect(reminders.last == ["→ wake at \(Self.hour)"])
    }

    // MARK: The release

    private static func released(when condition: String, _ approval: ApprovalDefinition) throws -> TransitionBench {
        var bench = try TransitionBench(
            [StepRow(name: "a")],
            release: ReleaseDefinition(requiredWhen: try Expression(parsing: condition), approval: approval))
        _ = try bench.decide(.start)
        return bench
    }

    @Test("a release that needs approval is asked for before the completion and ends the stream")
    func release() throws {
        var bench = try Self.released(when: "risk_score >= 70", ApprovalDefinition(approvers: ["ann"]))
        #expect(
            try bench.lines(.completed("a", risk: 70)) == [
                "attemptCompleted a#1 | step_completed", "approvalRequested release | approval_requested",
                "executionCompleted risk 70.0 | execution_completed",
            ])
        #expect(bench.machine.state.status == .completed && bench.machine.state.isOpen)
        #expect(try bench.lines(.cancel) == [], "it has completed")
        #expect(try bench.lines(.restart) == [])
        #expect(
            try bench.lines(Self.vote("ann", .reject)) == [
                "approvalVoted ann reject | approval_vote",
                "approvalDecided rejected by ann rejection | approval_rejected final", "→ end",
            ])
        #expect(bench.machine.state.status == .completed)
    }

    @Test("a release that needs none ends with the completion")
    func noRelease() throws {
        var bench = try Self.released(when: "risk_score >= 70", ApprovalDefinition(approvers: ["ann"]))
        #expect(
            try bench.lines(.completed("a", risk: 69)) == [
                "attemptCompleted a#1 | step_completed", "executionCompleted risk 69.0 | execution_completed final",
                "→ end",
            ])
    }

    @Test(
        "a condition that cannot be evaluated, or is no boolean, needs the approval and says why",
        arguments: [("steps.a.output.missing > 1", "cannot be evaluated"), ("risk_score", "not a boolean")])
    func failsClosed(condition: String, words: String) throws {
        var bench = try Self.released(
            when: condition, ApprovalDefinition(approvers: ["ann"], deadline: .seconds(3_600), reason: "always"))
        #expect(
            try bench.lines(.completed("a")) == [
                "attemptCompleted a#1 | step_completed", "approvalRequested release | approval_requested",
                "executionCompleted risk 0.0 | execution_completed", "→ wake at \(Self.hour)",
            ])
        #expect(bench.machine.state.pendingApproval?.reason.contains(words) == true)
        #expect(
            try bench.lines(.wake, at: Self.hour) == [
                "approvalDecided expired by – deadline | approval_expired final", "→ end",
            ])
    }
}

extension TransitionBench {
    fileprivate var refusal: VoteRefusal.Code? { if case .refused(let refusal) = answer { refusal.code } else { nil } }
}
