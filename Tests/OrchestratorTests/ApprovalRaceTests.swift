import Orchestrator
import Simulation
import Testing
import WorkflowEngine
import WorkflowModel

/// Decisions that race: with the deadline, and with each other. Many tasks, one journal in memory a round, and a clock
/// that passes the deadline when it is told to.
@Suite("Approvals that are raced for")
struct ApprovalRaceTests {
    private static let seed: UInt64 = 20_260_105

    private static func gate(deadline: String) -> String {
        "{name: gate, steps: [{name: g, approval: {approvers: [all], deadline: \(deadline), on_expiry: reject}}]}"
    }

    private static func voter(_ number: Int) -> VoteCommand.Voter { .init(name: "voter \(number)", groups: ["all"]) }

    /// When a vote comes, seen from the moment at which the clock passes the deadline.
    private enum Moment: CaseIterable { case before, meanwhile, after }

    private struct Race {
        var number: Int
        var execution: ExecutionID
        var moment: Moment
        /// How often the vote lets others go first.
        var yields: Int
        var command: VoteCommand
    }

    @Test("of a decision and the deadline exactly one wins, and a decision that won keeps its comment")
    func deadlines() async throws {
        let (rounds, races) = (200, 50)
        var random = SeededRandom(seed: Self.seed)
        var (byVote, byDeadline, meanwhileByVote) = (0, 0, 0)
        for _ in 0..<rounds {
            for (race, isByVote) in try await Self.round(races, using: &random) {
                if isByVote { byVote += 1 } else { byDeadline += 1 }
                if race.moment == .meanwhile, isByVote { meanwhileByVote += 1 }
                // The moments on either side leave no doubt.
                if race.moment == .before { #expect(isByVote) }
                if race.moment == .after { #expect(!isByVote) }
            }
        }
        print(
            "races with the deadline from seed \(Self.seed): \(byVote) won by the vote (\(meanwhileByVote) in doubt), "
                + "\(byDeadline) by the deadline")
        #expect(byVote + byDeadline == rounds * races)
    }

    /// Executions that wait with one deadline, and a vote on each.
    private static func round(_ races: Int, using random: inout SeededRandom) async throws -> [(Race, isByVote: Bool)] {
        let deadline = Duration.milliseconds(5)
        let office = try await Office(gate(deadline: "5ms"))
        var all: [Race] = []
        for number in 0..<races {
            all.append(
                Race(
                    number: number, execution: try await office.start(),
                    moment: Moment.allCases.randomElement(using: &random) ?? .meanwhile,
                    yields: Int.random(in: 0...20, using: &random),
                    command: VoteCommand(voter: voter(number), decision: .approve, comment: "comment \(number)")))
        }
        let byMoment = Dictionary(grouping: all, by: \.moment)
        let clockYields = Int.random(in: 0...400, using: &random)
        var results = try await outcomes(of: byMoment[.before] ?? [], office)
        results += try await withThrowingTaskGroup(of: [(Race, isByVote: Bool)].self) { group in
            group.addTask {
                for _ in 0..<clockYields { await Task.yield() }
                office.clock.advance(by: deadline)
                return []
            }
            group.addTask { try await outcomes(of: byMoment[.meanwhile] ?? [], office) }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        return results + (try await outcomes(of: byMoment[.after] ?? [], office))
    }

    private static func outcomes(of races: [Race], _ office: Office) async throws -> [(Race, isByVote: Bool)] {
        try await withThrowingTaskGroup(of: (Race, isByVote: Bool).self) { group in
            for race in races { group.addTask { (race, isByVote: try await isByVote(race, office)) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Whether the vote won; every other thing that could have happened is an issue.
    private static func isByVote(_ race: Race, _ office: Office) async throws -> Bool {
        for _ in 0..<race.yields { await Task.yield() }
        let answer = try await office.executions.vote(race.command, on: race.execution)
        let events = try await office.approvalEvents(of: race.execution)
        let types = events.map { $0["type"]?.stringValue ?? "" }
        let outcome = events.last?["data"]
        switch answer {
        case .recorded:
            #expect(types == ["approval_requested", "approval_vote", "approval_granted"])
            #expect(outcome?["comment"]?.stringValue == race.command.comment && outcome?["policy"] == "quorum")
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
        let events = try await office.approvalEvents(of: execution)
        #expect(events.count == 3 && events.last?["data"]?["decided_by"]?.stringValue == "voter \(winner)")
    }
}
