import JournalContract
import JournalSQLite
import Testing
import WorkflowEngine
import WorkflowModel

@Suite("SQLiteJournal keeps the journal's contract")
struct JournalContractTests {
    @Test("a promise", arguments: JournalContract.all)
    func keepsPromise(_ contract: JournalContract) async throws {
        let seed = UInt64.random(in: .min ... .max)
        let directory = try TemporaryDirectory()
        let clock = ManualClock()
        var configuration = JournalConfiguration(now: { clock.now })
        // Small, so that the suite meets full queues, split batches, forgotten versions and checkpoints.
        configuration.batch.requestsMax = 5
        configuration.waitingAppendsMax = 4
        configuration.waitingReadsMax = 2
        configuration.cachedExecutionsMax = 4
        configuration.checkpoints = .init(walPages: 16)
        let settings = configuration
        try await contract.verify(
            JournalUnderTest(clock: clock, seed: seed) {
                try SQLiteJournal(at: directory.path, configuration: settings)
            })
    }
}
