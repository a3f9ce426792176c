import Glibc
import JournalContract
import Synchronization
import Testing
import WorkflowEngine
import WorkflowModel

@testable import JournalSQLite

@Suite("SQLiteJournal: the write-ahead log")
struct CheckpointTests {
    @Test("the log stays bounded under appends and reads that never pause")
    func bounded() async throws {
        let directory = try TemporaryDirectory()
        var configuration = JournalConfiguration()
        configuration.checkpoints = .init(walPages: 64)
        configuration.batch.requestsMax = 8
        let journal = try SQLiteJournal(at: directory.path, configuration: configuration)
        let lease = try await journal.acquireLease(shard: 0)
        let isDone = Flag()
        let largest = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    while !isDone.isSet { _ = try await journal.events(after: nil, shard: 0, limit: 50) }
                    return 0
                }
            }
            let largest = await withTaskGroup(of: Int.self) { appending in
                for appender in 0..<8 {
                    var sample = Sample(seed: UInt64(appender))
                    appending.addTask {
                        var largest = 0
                        for _ in 0..<150 {
                            var request = Sample.start(sample.execution())
                            request.records[0].payload = sample.bytes(12_000)
                            _ = await journal.append([request], lease: lease)
                            largest = max(largest, Self.size(directory.file("journal.sqlite-wal")))
                        }
                        return largest
                    }
                }
                return await appending.reduce(0, max)
            }
            isDone.set()
            try await group.waitForAll()
            return largest
        }
        // 1,200 appends write some 20 MB. The limit is 1 MiB; what the writer adds while a checkpoint runs comes on top.
        #expect(largest > 0)
        #expect(largest < 5 << 20, "the log grew to \(largest) bytes")
        await journal.close()
        #expect(Self.size(directory.file("journal.sqlite-wal")) == 0)
        #expect(Self.size(directory.file("journal.sqlite")) > 14 << 20)
    }

    private static func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}

/// Set once, by one task for others.
private final class Flag: Sendable {
    private let state = Atomic(false)
    var isSet: Bool { state.load(ordering: .acquiring) }
    func set() { state.store(true, ordering: .releasing) }
}
