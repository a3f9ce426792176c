import Simulation
import Testing
import WorkflowEngine

@Suite("The simulator")
struct SimulationTests {
    static let runs: UInt64 = 2_000
    static let seedFirst: UInt64 = 20_260_105

    @Test("keeps every promise over thousands of generated runs with crashes and refusals")
    func promisesHold() async throws {
        var total = Simulation.Tally()
        for seed in Self.seedFirst..<Self.seedFirst + Self.runs {
            total += try await Simulation(seed: seed).run()
        }
        print("simulated from seed \(Self.seedFirst): \(total)")
        // The faults must really have happened, or the runs prove nothing.
        #expect(total.executions > 5_000)
        #expect(total.crashes > 1_000)
        #expect(total.crashesInRecovery > 100)
        #expect(total.stops > 300)
        #expect(total.refusals > 100 && total.unanswered > 100)
        #expect(total.duplicates > 100)
        #expect(total.waited > 100 && total.interrupted > 100 && total.givenUp > 0)
        #expect(total.outcomes["execution_completed", default: 0] > 500)
        #expect(total.outcomes["execution_failed", default: 0] > 500)
        #expect(total.outcomes["execution_cancelled", default: 0] > 200)
        #expect(total.votes > 500 && total.refusedVotes > 500)
        for outcome in ["approval_granted", "approval_rejected", "approval_expired"] {
            #expect(total.outcomes[outcome, default: 0] > 200)
        }
    }

    @Test("gives the same run for the same seed")
    func isDeterministic() async throws {
        let first = try await Simulation(seed: 7).run()
        let second = try await Simulation(seed: 7).run()
        #expect(first == second)
    }
}
