import Glibc
import JournalContract
import JournalSQLite
import Testing
import WorkflowEngine
import WorkflowModel

@Suite("SQLiteJournal: a data directory that goes away")
struct MovedTests {
    /// What is done to the directory, and where its files are then.
    private static let changes: [@Sendable (String) -> String?] = [
        { path in rename(path, path + ".moved") == 0 ? path + ".moved" : nil },
        { path in unlink(path + "/journal.sqlite") == 0 ? "" : nil },
    ]

    @Test("an append to a file that is not in its place is refused, and nothing before it is lost", arguments: [0, 1])
    func refused(_ change: Int) async throws {
        let directory = try TemporaryDirectory()
        let place = directory.path + "/data"
        var sample = Sample(seed: 16)
        let journal = try SQLiteJournal(at: place)
        let lease = try await journal.acquireLease(shard: 0)
        let kept = sample.execution()
        try await journal.append(Sample.start(kept), lease)
        let moved = try #require(Self.changes[change](place))

        for _ in 1...2 {
            let error = await #expect(throws: JournalError.self) {
                try await journal.append(Sample.start(sample.execution()), lease)
            }
            #expect(error?.code == .moved && error?.isRetryable == false)
            #expect(error?.message.contains(place) == true)
        }
        await journal.close()
        guard !moved.isEmpty else { return }
        let again = try SQLiteJournal(at: moved)
        #expect(try await again.open(shard: 0, after: nil, limit: 10) == [kept])
        await again.close()
    }
}
