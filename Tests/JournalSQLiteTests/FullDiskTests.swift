import Glibc
import JournalContract
import Testing
import WorkflowEngine
import WorkflowModel

@testable import JournalSQLite

@Suite("SQLiteJournal: a full disk")
struct FullDiskTests {
    /// Runs where a small file system can be mounted: a real disk of 8 MiB.
    @Test("a full disk refuses appends, loses nothing committed, and appending works again when there is room",
        .enabled(if: SmallDisk.isPossible, "mounting needs root"))
    func fullDisk() async throws {
        let disk = try SmallDisk(megabytes: 8)
        let ballast = try disk.fill(leavingBytes: 3 << 20)
        var journal = try SQLiteJournal(at: disk.path)
        var lease = try await journal.acquireLease(shard: 0)
        var sample = Sample(seed: 3)
        var committed: [ExecutionID] = []
        var refusal: JournalError?
        for _ in 0..<1_000 where refusal == nil {
            let execution = sample.execution()
            switch await journal.append([Self.large(execution, &sample)], lease: lease)[0] {
            case .success: committed.append(execution)
            case .failure(let error): refusal = error
            }
        }
        #expect(refusal?.code == .diskFull)
        #expect(refusal?.isRetryable == true)
        #expect(!committed.isEmpty)
        #expect(try await journal.open(shard: 0, after: nil, limit: 10_000) == committed)

        unlink(ballast)
        let late = sample.execution()
        try await journal.append(Self.large(late, &sample), lease)
        committed.append(late)
        await journal.close()

        journal = try SQLiteJournal(at: disk.path)
        lease = try await journal.acquireLease(shard: 0)
        #expect(try await journal.open(shard: 0, after: nil, limit: 10_000) == committed)
        for execution in committed {
            #expect(try await journal.records(of: execution, after: 0).first?.payload.count == 40_000)
        }
        await journal.close()
    }

    private static func large(_ execution: ExecutionID, _ sample: inout Sample) -> AppendRequest {
        var request = Sample.start(execution)
        request.records[0].payload = sample.bytes(40_000)
        return request
    }
}

/// A file system of its own in memory.
private final class SmallDisk {
    static var isPossible: Bool {
        guard geteuid() == 0, let disk = try? SmallDisk(megabytes: 1) else { return false }
        return withExtendedLifetime(disk) { true }
    }

    private let directory: TemporaryDirectory
    var path: String { directory.path }

    init(megabytes: Int) throws {
        directory = try TemporaryDirectory()
        guard mount("tmpfs", directory.path, "tmpfs", 0, "size=\(megabytes)m") == 0 else {
            throw TemporaryDirectory.Failure(code: errno)
        }
    }

    deinit { umount2(directory.path, Int32(MNT_DETACH)) }

    /// Writes a file that takes all the room but `leavingBytes`, and gives its path.
    func fill(leavingBytes: Int) throws -> String {
        let ballast = directory.file("ballast")
        var status = statvfs()
        guard statvfs(directory.path, &status) == 0 else { throw TemporaryDirectory.Failure(code: errno) }
        let file = open(ballast, O_WRONLY | O_CREAT, 0o600)
        defer { close(file) }
        let code = posix_fallocate(file, 0, Int(status.f_bavail) * Int(status.f_bsize) - leavingBytes)
        guard code == 0 else { throw TemporaryDirectory.Failure(code: code) }
        return ballast
    }
}
