package import WorkflowEngine
package import WorkflowModel

/// A definition drawn by chance, and what its steps will do when they are called.
package struct GeneratedWorkflow: Sendable {
    /// What an attempt does; the last one of a script repeats.
    package enum Act: Hashable, Sendable {
        case complete(risk: Double?)
        case fail(code: String, isRetryable: Bool, retryAfter: Duration?)
        /// An output that is not JSON.
        case babble
        /// A risk outside 0…100.
        case overstate
        /// The host is lost through no fault of the attempt.
        case loseHost
    }

    package var definition: WorkflowDefinition
    /// By step name.
    package var scripts: [String: [Act]]

    package init(using random: inout SeededRandom) throws(ExpressionError) {
        let count = Int.random(in: 1...5, using: &random)
        var steps: [StepDefinition] = []
        var scripts: [String: [Act]] = [:]
        for number in 0..<count {
            let name = "s\(number)"
            scripts[name] = (0..<Int.random(in: 1...4, using: &random)).map { _ in Self.act(using: &random) }
            steps.append(try Self.step(name, number, using: &random))
        }
        definition = WorkflowDefinition(
            name: "generated", deliverableType: "simulation", steps: steps,
            output: random.oneIn(8) ? .expression(try Expression(parsing: "steps.s0.output.missing")) : nil,
            release: random.oneIn(3) ? try Self.release(using: &random) : nil)
        self.scripts = scripts
    }

    private static func step(
        _ name: String, _ number: Int, using random: inout SeededRandom
    ) throws(ExpressionError) -> StepDefinition {
        var step = StepDefinition(name: name, action: .call(FunctionName(plugin: "scripted", function: name)))
        if random.oneIn(6) { step.action = .gate(approval(using: &random)) }
        step.onFailure = random.oneIn(3) ? .continue : .fail
        step.retry = RetryPolicy(
            attemptsMax: Int.random(in: 1...4, using: &random), initialInterval: .milliseconds(100), multiplier: 2,
            maxInterval: .seconds(1), jitter: random.oneIn(2) ? .full : .none,
            nonRetryable: random.oneIn(4) ? ["bad"] : [])
        switch Int.random(in: 0..<8, using: &random) {
        case 0: step.when = try Expression(parsing: "false")
        case 1 where number > 0: step.when = try Expression(parsing: "steps.s\(number - 1).status == 'completed'")
        case 2: step.when = try Expression(parsing: "inputs.absent.deeper > 1")
        case 3 where number > 0: step.input = .expression(try Expression(parsing: "steps.s\(number - 1).output"))
        case 4: step.input = .expression(try Expression(parsing: "inputs.absent"))
        default: break
        }
        return step
    }

    /// Who votes in simulated runs; the last is no approver of any of them.
    package static let voters = ["alice", "bob", "starter", "mallory"]

    /// With a deadline always, so that every run ends.
    private static func approval(using random: inout SeededRandom) -> ApprovalDefinition {
        var approval = ApprovalDefinition(
            approvers: random.oneIn(2) ? ["alice", "bob", "starter"] : ["alice", "starter"])
        approval.quorum = random.oneIn(3) ? 2 : 1
        approval.fourEyes = random.oneIn(2)
        approval.deadline = .milliseconds(Int.random(in: 50...900, using: &random))
        if random.oneIn(2) { approval.remindEvery = .milliseconds(Int.random(in: 20...300, using: &random)) }
        if random.oneIn(2) {
            approval.escalateTo = ["bob"]
            if random.oneIn(2) { approval.escalateAfter = .milliseconds(Int.random(in: 20...1_000, using: &random)) }
        }
        let policies = ExpiryPolicy.allCases.filter { $0 != .escalate || !approval.escalateTo.isEmpty }
        approval.onExpiry = policies.randomElement(using: &random) ?? .fail
        return approval
    }

    private static func release(using random: inout SeededRandom) throws(ExpressionError) -> ReleaseDefinition {
        let conditions = ["true", "risk_score >= 30", "steps.s0.output.missing", "1"]
        return ReleaseDefinition(
            requiredWhen: try Expression(parsing: conditions.randomElement(using: &random) ?? "true"),
            approval: approval(using: &random))
    }

    private static func act(using random: inout SeededRandom) -> Act {
        switch Int.random(in: 0..<16, using: &random) {
        case 0, 1: .fail(code: "flaky", isRetryable: true, retryAfter: nil)
        case 2: .fail(code: "bad", isRetryable: true, retryAfter: .milliseconds(30))
        case 3: .fail(code: "final", isRetryable: false, retryAfter: nil)
        case 4: .babble
        case 5: .overstate
        case 6: .loseHost
        case 7: .complete(risk: Double(Int.random(in: 0...100, using: &random)))
        default: .complete(risk: nil)
        }
    }

    /// The outcome of the given attempt (from 1) of a step.
    package func outcome(of step: String, attempt: Int) -> StepOutcome {
        let script = scripts[step] ?? []
        let act = script.isEmpty ? .complete(risk: nil) : script[min(attempt, script.count) - 1]
        switch act {
        case .complete(let risk):
            return StepOutcome(
                result: .completed(output: Array("{\"attempt\":\(attempt)}".utf8)), risk: risk,
                executionMilliseconds: 1.25)
        case .fail(let code, let isRetryable, let retryAfter):
            return StepOutcome(
                result: .failed(
                    StepError(code: code, message: "as scripted", isRetryable: isRetryable, retryAfter: retryAfter)),
                checkpoint: Array("{\"at\":\(attempt)}".utf8))
        case .babble: return StepOutcome(result: .completed(output: Array("{".utf8)))
        case .overstate: return StepOutcome(result: .completed(output: Array("1".utf8)), risk: 100.5)
        case .loseHost:
            // Only now and then, or the step would never end.
            let isLost = attempt % 3 != 0
            return isLost
                ? StepOutcome(result: .failed(StepError(code: StepErrorCode.hostLost, message: "as scripted")))
                : StepOutcome(result: .completed(output: Array("null".utf8)))
        }
    }
}
