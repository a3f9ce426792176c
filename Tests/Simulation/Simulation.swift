import WorkflowEngine
import WorkflowModel

/// Runs generated workflows through the engine and an in-memory journal, with a virtual clock, crashes and refusals.
///
/// Plays the orchestrator's part in one task, so a seed gives the same run every time: every effect may fail, the
/// process may die before and after every commit, between effects and inside recovery, and the relay anywhere.
package final class Simulation {
    /// How a run went, to show that the faults really happened.
    package struct Tally: Hashable, Sendable {
        package var executions = 0
        package var crashes = 0
        package var crashesInRecovery = 0
        package var stops = 0
        package var refusals = 0
        package var unanswered = 0
        package var duplicates = 0
        package var cancels = 0
        package var votes = 0
        package var refusedVotes = 0
        /// Attempts that no host had at a restart.
        package var waited = 0
        /// Attempts that a host had when the process died.
        package var interrupted = 0
        /// Steps that failed because that happened too often in a row.
        package var givenUp = 0
        package var outcomes: [String: Int] = [:]

        package init() {}

        package static func += (left: inout Tally, right: Tally) {
            left.executions += right.executions
            left.crashes += right.crashes
            left.crashesInRecovery += right.crashesInRecovery
            left.stops += right.stops
            left.refusals += right.refusals
            left.unanswered += right.unanswered
            left.duplicates += right.duplicates
            left.cancels += right.cancels
            left.votes += right.votes
            left.refusedVotes += right.refusedVotes
            left.waited += right.waited
            left.interrupted += right.interrupted
            left.givenUp += right.givenUp
            left.outcomes.merge(right.outcomes) { $0 + $1 }
        }
    }

    private enum Action {
        case start
        /// A host gets the call.
        case began(ExecutionID, StepCall)
        case finished(ExecutionID, StepCall)
        /// The call was cancelled before a host had it.
        case withdrawn(ExecutionID, StepCall)
        case wake(ExecutionID)
        case cancel(ExecutionID)
        case vote(ExecutionID, VoteCommand)
        case relay
        /// The server is asked to stop: nothing new starts, and then it is gone.
        case stop, down
    }

    private struct Entry {
        var at: Timestamp
        var order: Int
        var action: Action
    }

    /// The process died; whatever it had in memory is gone.
    private struct Crash: Error {}
    /// The caller of a start was told no.
    private struct RefusedStart: Error {}

    /// So few interruptions in a row that generated runs come to them.
    private static let limits = EngineLimits(
        interruptionsMax: 3, interruptionPause: .milliseconds(20), hostLostPause: .milliseconds(5),
        pauseMax: .milliseconds(100))

    private let seed: UInt64
    private var random: SeededRandom
    private var now = Timestamp(microseconds: 1_767_600_000_000_000)
    private var journal: InMemoryJournal
    private var lease = JournalLease(shard: 0, epoch: 0)
    private var workflows: [ExecutionID: GeneratedWorkflow] = [:]
    private var machines: [ExecutionID: ExecutionStateMachine] = [:]
    /// Attempts in a host, in this life of the process.
    private var inHosts: [ExecutionID: StepCall] = [:]
    /// Attempts that wait for a host, in this life of the process.
    private var queued: [ExecutionID: StepCall] = [:]
    private var agenda: [Entry] = []
    private var order = 0
    private var isStopping = false
    private let startCount: Int
    private var faultsLeft: Int
    private var relayPosition: JournalPosition?
    private var topic: [CommittedEvent] = []
    private var ledger = SimulationLedger()
    private var tally = Tally()

    package init(seed: UInt64, executions: Int = 3, faultsMax: Int = 12) {
        self.seed = seed
        random = SeededRandom(seed: seed)
        journal = InMemoryJournal(now: { Timestamp(microseconds: 0) })
        startCount = executions
        faultsLeft = Int.random(in: 0...faultsMax, using: &random)
    }

    /// Plays the run to its end and checks every promise.
    /// - Throws: `SimulationViolation`.
    package func run() async throws -> Tally {
        for _ in 0..<startCount { schedule(.start, after: .milliseconds(Int.random(in: 0...500, using: &random))) }
        schedule(.relay, after: .milliseconds(10))
        if random.oneIn(4) { schedule(.stop, after: .milliseconds(Int.random(in: 1...800, using: &random))) }
        try await boot()
        var stepsLeft = 20_000
        while let entry = nextEntry() {
            stepsLeft -= 1
            guard stepsLeft > 0 else { throw violation("the run does not end") }
            now = max(now, entry.at)
            do { try await play(entry.action) } catch is RefusedStart { continue } catch is Crash { try await crash() }
        }
        try await relayAll()
        try await check()
        return tally
    }

    private func violation(_ message: String) -> SimulationViolation {
        SimulationViolation(seed: seed, message: message)
    }

    // MARK: The agenda

    private func schedule(_ action: Action, after delay: Duration) {
        order += 1
        agenda.append(Entry(at: now + delay, order: order, action: action))
    }

    private func nextEntry() -> Entry? {
        guard
            let index = agenda.indices.min(by: { (agenda[$0].at, agenda[$0].order) < (agenda[$1].at, agenda[$1].order) }
            )
        else { return nil }
        return agenda.remove(at: index)
    }

    private func play(_ action: Action) async throws {
        switch action {
        case .start:
            // A server that stops takes no starts; the client tries again.
            if isStopping { schedule(.start, after: .milliseconds(50)) } else { try await start() }
        case .began(let execution, let call):
            guard queued[execution]?.attempt == call.attempt, queued[execution]?.path == call.path else { return }
            queued[execution] = nil
            inHosts[execution] = call
            if let fault = ledger.ran(call) { throw violation(fault) }
            schedule(.finished(execution, call), after: .milliseconds(Int.random(in: 1...80, using: &random)))
        case .withdrawn(let execution, let call):
            let error = StepError(code: StepErrorCode.cancelled, message: "withdrawn", isRetryable: false)
            try await decide(execution) {
                $0.finish(
                    path: call.path, attempt: call.attempt, StepOutcome(result: .failed(error)), now: self.now,
                    random: 0)
            }
        case .finished(let execution, let call):
            guard inHosts[execution]?.attempt == call.attempt, inHosts[execution]?.path == call.path,
                let workflow = workflows[execution]
            else { return }
            inHosts[execution] = nil
            ledger.ended(call)
            let outcome = workflow.outcome(of: call.path, attempt: call.attempt)
            let chance = Double.random(in: 0..<1, using: &random)
            try await decide(execution) {
                $0.finish(path: call.path, attempt: call.attempt, outcome, now: self.now, random: chance)
            }
        case .wake(let execution): try await decide(execution) { $0.wake(now: self.now) }
        case .cancel(let execution):
            guard let state = machines[execution]?.state, state.isOpen, state.status != .completed else { return }
            try await decide(execution) { $0.cancel(reason: "as simulated", requestedBy: "nobody", now: self.now) }
            ledger.cancelAnswered.insert(execution)
            tally.cancels += 1
        case .vote(let execution, let command): try await vote(command, on: execution)
        case .relay: try await relay()
        case .stop:
            isStopping = true
            for execution in machines.keys { machines[execution]?.isHeld = true }
            schedule(.down, after: .milliseconds(Int.random(in: 1...100, using: &random)))
        case .down:
            tally.stops += 1
            // What still runs is stopped before the process ends.
            for call in inHosts.values { ledger.ended(call) }
            try await restart()
        }
    }

    private func start() async throws {
        let workflow = try GeneratedWorkflow(using: &random)
        let execution = ExecutionID(at: now, using: &random)
        workflows[execution] = workflow
        machines[execution] = newMachine(of: execution, workflow)
        let command = StartCommand(
            execution: execution, revision: 1, inputs: ["n": 1], pins: ["scripted": "hash"], startedBy: "starter")
        if random.oneIn(3) {
            schedule(.cancel(execution), after: .milliseconds(Int.random(in: 1...400, using: &random)))
        }
        tally.executions += 1
        try await decide(execution) { $0.start(command, now: self.now) }
        // Only now is the caller answered: from here on the execution is promised.
        ledger.accepted.insert(execution)
    }

    /// Votes come whatever the server does; only one that was answered counts.
    private func vote(_ command: VoteCommand, on execution: ExecutionID) async throws {
        var answer: VoteAnswer?
        try await decide(execution) { machine in
            let (decision, given) = machine.vote(command, now: self.now)
            answer = given
            return decision
        }
        switch answer {
        case .recorded(let approval):
            ledger.counted(command, of: approval.id)
            tally.votes += 1
        case .repeated(let approval):
            guard ledger.knows(command, of: approval.id) else {
                throw violation("a vote is repeated that was not counted")
            }
        case .refused(let refusal):
            tally.refusedVotes += 1
            if refusal.code == .decided, refusal.approval?.isPending != false {
                throw violation("\(execution): a vote comes too late for an approval that is pending")
            }
        case nil: break
        }
    }

    /// People hear of the request and answer in their own time, some of them twice.
    private func invite(_ records: [JournalRecord], of execution: ExecutionID) {
        for record in records where record.kind == RecordKind.approvalRequested.rawValue {
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                let voter = GeneratedWorkflow.voters.randomElement(using: &random) ?? ""
                let command = VoteCommand(
                    voter: VoteCommand.Voter(name: voter), decision: random.oneIn(4) ? .reject : .approve,
                    comment: "comment \(Int.random(in: 0..<1_000_000, using: &random))")
                let delay = Duration.milliseconds(Int.random(in: 1...1_000, using: &random))
                schedule(.vote(execution, command), after: delay)
                if random.oneIn(4) { schedule(.vote(execution, command), after: delay + .milliseconds(3)) }
            }
        }
    }

    // MARK: Decide, commit, carry out

    private func decide(
        _ execution: ExecutionID, _ input: (inout ExecutionStateMachine) -> Decision
    ) async throws {
        guard var machine = machines[execution] else { return }
        let expected = machine.state.version
        let decision = input(&machine)
        machines[execution] = machine
        if !decision.records.isEmpty {
            try await commit(execution, expected, decision.records)
            invite(decision.records, of: execution)
        }
        for effect in decision.effects {
            try maybeCrash(oneIn: 40)
            try carryOut(effect, execution)
        }
        if random.oneIn(10) { try await compareWithReplay(execution) }
    }

    private func commit(_ execution: ExecutionID, _ expected: Int, _ records: [JournalRecord]) async throws {
        try maybeCrash(oneIn: 25)
        let state = machines[execution]?.state
        let request = AppendRequest(
            execution: execution, expectedVersion: expected, records: records, summary: summary(execution),
            timer: state?.nextTimer.map { .set($0) } ?? .cleared)
        while true {
            injectFault()
            let result = await journal.append([request], lease: lease)[0]
            guard case .failure(let error) = result else { break }
            switch error.code {
            case .diskFull:
                tally.refusals += 1
                // A start is refused to its caller; what runs is tried again.
                if expected == 0 {
                    machines[execution] = nil
                    workflows[execution] = nil
                    throw RefusedStart()
                }
            case .unknownOutcome:
                tally.unanswered += 1
                if try await journal.records(of: execution, after: expected).starts(with: records) {
                    ledger.committed(records, of: execution)
                    try maybeCrash(oneIn: 25)
                    return
                }
            default: throw violation("the journal refuses \(error)")
            }
        }
        ledger.committed(records, of: execution)
        try maybeCrash(oneIn: 25)
    }

    private func injectFault() {
        guard faultsLeft > 0, random.oneIn(12) else { return }
        faultsLeft -= 1
        switch Int.random(in: 0..<3, using: &random) {
        case 0: journal.inject(.refuse(JournalError(.diskFull, "as simulated")))
        case 1: journal.inject(.commitAndNotAnswer)
        default: journal.inject(.loseAndNotAnswer)
        }
    }

    private func summary(_ execution: ExecutionID) -> ExecutionSummary? {
        machines[execution].map { machine in
            ExecutionSummary(
                execution: execution, workflow: "generated", revision: 1, status: machine.state.status,
                isOpen: machine.state.isOpen, startedAt: machine.state.startedAt, endedAt: nil, inputsDigest: [])
        }
    }

    private func carryOut(_ effect: Effect, _ execution: ExecutionID) throws {
        switch effect {
        case .run(let call):
            if isStopping { throw violation("\(call.idempotencyKey) starts while the server stops") }
            queued[execution] = call
            schedule(.began(execution, call), after: .milliseconds(Int.random(in: 0...40, using: &random)))
        case .cancel(let path, _):
            if let call = queued[execution], call.path == path {
                queued[execution] = nil
                return schedule(.withdrawn(execution, call), after: .milliseconds(1))
            }
            guard let call = inHosts[execution], call.path == path else { return }
            // The host ends it, as cancelled or with what it had just finished.
            schedule(.finished(execution, call), after: .milliseconds(1))
        case .wake(let at): schedule(.wake(execution), after: max(at - now, .zero))
        case .end: machines[execution] = nil
        }
    }

    // MARK: Death and recovery

    private func maybeCrash(oneIn n: Int) throws {
        guard faultsLeft > 0, random.oneIn(n) else { return }
        faultsLeft -= 1
        throw Crash()
    }

    private func crash() async throws {
        tally.crashes += 1
        for call in inHosts.values { ledger.died(with: call) }
        try await restart()
    }

    private func restart() async throws {
        journal = journal.crash()
        isStopping = false
        machines = [:]
        (inHosts, queued) = ([:], [:])
        relayPosition = nil
        // What the dead process had planned is gone; clients and the relay's next life are not.
        agenda.removeAll { entry in
            switch entry.action {
            case .start, .cancel, .vote, .relay, .stop: false
            case .began, .finished, .withdrawn, .wake, .down: true
            }
        }
        if !agenda.contains(where: { if case .relay = $0.action { true } else { false } }) {
            schedule(.relay, after: .milliseconds(5))
        }
        try await boot()
    }

    private func boot() async throws {
        lease = try await journal.acquireLease(shard: 0)
        relayPosition = try await journal.publishedPosition(shard: 0)
        var last: ExecutionID?
        do {
            while case let page = try await journal.open(shard: 0, after: last, limit: 2), let end = page.last {
                last = end
                for execution in page { try await takeUp(execution) }
            }
        } catch is Crash {
            tally.crashesInRecovery += 1
            try await crash()
        }
    }

    private func takeUp(_ execution: ExecutionID) async throws {
        guard let workflow = workflows[execution] else { throw violation("\(execution) was never started") }
        var machine = newMachine(of: execution, workflow)
        for record in try await journal.records(of: execution, after: 0) { try machine.apply(record) }
        machines[execution] = machine
        try await decide(execution) {
            $0.recover(now: self.now) { path, attempt in
                let trace = self.ledger.trace(of: execution, path, attempt)
                if trace == .none { self.tally.waited += 1 }
                if trace == .inHost { self.tally.interrupted += 1 }
                return trace
            }
        }
    }

    private func newMachine(of execution: ExecutionID, _ workflow: GeneratedWorkflow) -> ExecutionStateMachine {
        ExecutionStateMachine(execution: execution, definition: workflow.definition, limits: Self.limits)
    }

    private func compareWithReplay(_ execution: ExecutionID) async throws {
        guard let machine = machines[execution], let workflow = workflows[execution] else { return }
        var replayed = newMachine(of: execution, workflow)
        for record in try await journal.records(of: execution, after: 0) { try replayed.apply(record) }
        let (live, again) = (StateFingerprint(machine.state), StateFingerprint(replayed.state))
        guard live == again else { throw violation("replay gives \(again), the live state is \(live)") }
    }

    // MARK: The relay, as over a bus that keeps no position

    private func relay() async throws {
        try await relayOnce()
        let isBusy = !machines.isEmpty || agenda.contains { if case .relay = $0.action { false } else { true } }
        if isBusy { schedule(.relay, after: .milliseconds(Int.random(in: 1...40, using: &random))) }
    }

    private func relayOnce() async throws {
        let limit = Int.random(in: 1...20, using: &random)
        let batch = try await journal.events(after: relayPosition, shard: 0, limit: limit)
        guard let last = batch.last else { return }
        topic += batch
        try maybeCrash(oneIn: 20)
        relayPosition = last.position
        await journal.notePublished(last.position, lease: lease)
    }

    private func relayAll() async throws {
        faultsLeft = 0
        while case let batch = try await journal.events(after: relayPosition, shard: 0, limit: 100),
            let last = batch.last
        {
            topic += batch
            relayPosition = last.position
        }
    }

    // MARK: The promises

    private func check() async throws {
        let events = try await journal.events(after: nil, shard: 0, limit: .max)
        var seen: Set<String> = []
        let once = topic.filter { seen.insert($0.event.id).inserted }
        tally.duplicates = topic.count - once.count
        guard once.map(\.event) == events.map(\.event) else {
            throw violation("the topic without duplicates is not the journal's events in its order")
        }
        let open = try await journal.open(shard: 0, after: nil, limit: .max)
        if let execution = open.first { throw violation("\(execution) never ended") }
        if let execution = machines.keys.first { throw violation("\(execution) ended and is not forgotten") }
        for (execution, workflow) in workflows {
            let transcript = try await journal.events(of: execution, after: 0, limit: .max)
            if transcript.isEmpty {
                if ledger.accepted.contains(execution) { throw violation("\(execution) was accepted and is lost") }
                continue
            }
            let checker = TranscriptChecker(definition: workflow.definition, events: transcript)
            do { try checker.check() } catch { throw violation("\(execution): \(error.message)") }
            tally.outcomes[checker.outcome, default: 0] += 1
            for outcome in checker.approvalOutcomes { tally.outcomes[outcome, default: 0] += 1 }
            let blame = ledger.blame(in: transcript, interruptionsMax: Self.limits.interruptionsMax)
            if let fault = blame.fault { throw violation("\(execution): \(fault)") }
            tally.givenUp += blame.givenUp
            if let fault = ledger.missingVote(in: transcript) { throw violation("\(execution): \(fault)") }
            if ledger.cancelAnswered.contains(execution), checker.outcome != EventType.executionCancelled.rawValue {
                throw violation("\(execution): cancelled durably while open, and ended as \(checker.outcome)")
            }
        }
    }
}
