import Foundation
import Logging
import Orchestrator
import Simulation
import Testing
import WorkflowEngine
import WorkflowModel

/// Decisions that race: with the deadline, and with each other. Real time, many tasks, one journal in memory a round.
@Suite("Approvals that are raced for")
struct ApprovalRaceTests {
    /// The machine's clock, as the deadlines pass by it.
    private struct SystemClock: WallClock {
        var now: Timestamp { Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000)) }
    }

    private struct Office {
        let journal: InMemoryJournal
        let executions: Executions
        let definition: LoadedDefinition

        init(_ source: String) async throws {
            let clock = SystemClock()
            let steps = ScriptedSteps()
            journal = InMemoryJournal(now: { clock.now })
            let lease = try await journal.acquireLease(shard: 0)
            let definitions = Definitions(journal: journal, lease: lease, catalog: steps)
            definition = try await definitions.put(Array(source.utf8), format: .yaml, name: nil, now: clock.now)
            executions = Executions(
                journal: journal, lease: lease, runner: steps, definitions: definitions, clock: clock,
                configuration: Executions.Configuration(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                onFatal: { _ in })
        }

        func start() async throws -> ExecutionID {
            var random = SystemRandomNumberGenerator()
            let execution = ExecutionID(at: SystemClock().now, using: &random)
            _ = try await executions.start(
                Executions.Start(
                    command: StartCommand(execution: execution, revision: 1, inputs: [:], pins: [:]),
                    definition: definition.definition, inputsDigest: [], idempotency: nil),
                wait: nil)
            return execution
        }

        /// The events that have to do with the approval, once the execution has ended.
        func events(of execution: ExecutionID) async throws -> [JSONValue] {
            while await executions.standing(of: execution, wait: .seconds(30)) != nil {}
            return try await journal.events(of: execution, after: 0, limit: 100)
                .filter { $0.type.hasPrefix("approval_") }.map { try JSONValue(parsing: $0.bytes) }
        }
    }

    private static func gate(deadline: String) -> String {
        "{name: gate, steps: [{name: g, approval: {approvers: [all], deadline: \(deadline), on_expiry: reject}}]}"
    }

    private static func voter(_ number: Int) -> VoteCommand.Voter { .init(name: "voter \(number)", groups: ["all"]) }

    @Test("of a decision and the deadline exactly one wins, and a decision that won keeps its comment")
    func deadlines() async throws {
        let (rounds, races) = (20, 500)
        var random = SeededRandom(seed: 20_260_105)
        var (byVote, byDeadline) = (0, 0)
        for _ in 0..<rounds {
            let office = try await Office(Self.gate(deadline: "80ms"))
            // Around the deadline, a little earlier rather than later: a busy machine is late by itself.
            let offsets = (0..<races).map { _ in Duration.microseconds(Int.random(in: -40_000...10_000, using: &random)) }
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for (race, offset) in offsets.enumerated() {
                    if race >= 64 { try await group.next().map { if $0 { byVote += 1 } else { byDeadline += 1 } } }
                    group.addTask { try await Self.race(office, race, offset) }
                }
                for try await isVote in group { if isVote { byVote += 1 } else { byDeadline += 1 } }
            }
        }
        print("races with the deadline: \(byVote) won by the vote, \(byDeadline) by the deadline")
        #expect(byVote + byDeadline == rounds * races)
        // Otherwise nothing was raced.
        #expect(byVote > 500 && byDeadline > 500)
    }

    /// Whether the vote won; every other thing that could have happened is an issue.
    private static func race(_ office: Office, _ race: Int, _ offset: Duration) async throws -> Bool {
        let execution = try await office.start()
        let deadline = await office.executions.standing(of: execution, wait: nil)?.pendingApproval?.deadlineAt
        // The moment is the race.
        if let deadline { try await Task.sleep(for: max(deadline + offset - SystemClock().now, .zero)) }
        let command = VoteCommand(voter: voter(race), decision: .approve, comment: "comment \(race)")
        let answer = try await office.executions.vote(command, on: execution)
        let events = try await office.events(of: execution)
        let types = events.map { $0["type"]?.stringValue ?? "" }
        let outcome = events.last?["data"]
        switch answer {
        case .recorded:
            #expect(types == ["approval_requested", "approval_vote", "approval_granted"])
            #expect(outcome?["comment"]?.stringValue == command.comment && outcome?["policy"] == "quorum")
            return true
        case .refused(let refusal):
            #expect(refusal.code == .decided && refusal.approval?.status == .rejected)
            #expect(types == ["approval_requested", "approval_rejected"])
            #expect(outcome?["decided_by"] == .null && outcome?["policy"] == "deadline")
            return false
        case .repeated:
            Issue.record("a first vote is no repetition")
            return false
        }
    }

    @Test("of a thousand decisions at once one wins and the others are told of it")
    func crowd() async throws {
        let office = try await Office(Self.gate(deadline: "1h"))
        let execution = try await office.start()
        let answers = try await withThrowingTaskGroup(of: (Int, VoteAnswer).self) { group in
            for number in 0..<1_000 {
                group.addTask {
                    let command = VoteCommand(
                        voter: Self.voter(number), decision: number % 2 == 0 ? .approve : .reject,
                        comment: "comment \(number)")
                    return (number, try await office.executions.vote(command, on: execution))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let winners = answers.filter { if case .recorded = $0.1 { true } else { false } }.map(\.0)
        let winner = try #require(winners.first)
        #expect(winners.count == 1)
        for (_, answer) in answers {
            guard case .refused(let refusal) = answer else { continue }
            #expect(refusal.code == .decided && refusal.approval?.decision?.comment == "comment \(winner)")
        }
        let events = try await office.events(of: execution)
        #expect(events.count == 3 && events.last?["data"]?["decided_by"]?.stringValue == "voter \(winner)")
    }
}
