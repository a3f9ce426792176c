import JournalContract
import Simulation
import Synchronization
import Testing
import WorkflowEngine
import WorkflowModel

@Suite("InMemoryJournal keeps the journal's contract")
struct InMemoryJournalContractTests {
    @Test("a promise", arguments: JournalContract.all)
    func keepsPromise(_ contract: JournalContract) async throws {
        let seed = UInt64.random(in: .min ... .max)
        let clock = ManualClock()
        let last = Mutex<InMemoryJournal?>(nil)
        try await contract.verify(
            JournalUnderTest(clock: clock, seed: seed) {
                last.withLock { last in
                    let journal = last?.crash() ?? InMemoryJournal(now: { clock.now })
                    last = journal
                    return journal
                }
            })
    }
}
