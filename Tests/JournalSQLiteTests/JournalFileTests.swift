import GRDB
import Glibc
import JournalContract
import Testing
import WorkflowEngine
import WorkflowModel

@testable import JournalSQLite

@Suite("SQLiteJournal: the file")
struct JournalFileTests {
    @Test("the writer's connection syncs every commit and leaves checkpoints to another")
    func pragmas() throws {
        let directory = try TemporaryDirectory()
        let connection = try JournalFile(at: directory.path).openWriter(JournalConfiguration())
        let pragmas = try connection.inDatabase { database in
            try ["synchronous", "journal_mode", "wal_autocheckpoint"].map {
                try String.fetchOne(database, sql: "PRAGMA \($0)")
            }
        }
        #expect(pragmas == ["2", "wal", "0"])
        try connection.close()
    }

    @Test("only the owner reads a journal, in whatever directory, and one that others could read before too")
    func rights() async throws {
        let directory = try TemporaryDirectory()
        let file = try JournalFile(at: directory.path)
        for isNew in [true, false] {
            if !isNew { chmod(file.path, 0o644) }
            let connection = try file.openWriter(JournalConfiguration())
            for suffix in ["", "-wal", "-shm"] {
                var status = stat()
                try #require(stat(file.path + suffix, &status) == 0, "\(suffix)")
                #expect(status.st_mode & 0o777 == 0o600, "\(suffix), new: \(isNew)")
            }
            try connection.close()
        }
    }

    @Test("every earlier version of the schema is upgraded to the same newest one")
    func upgrades() throws {
        func schema(_ connection: DatabaseQueue) throws -> [String] {
            try connection.inDatabase { database in
                try String.fetchAll(
                    database,
                    sql: "SELECT coalesce(sql, name) FROM sqlite_master WHERE name NOT LIKE 'grdb%' ORDER BY 1")
            }
        }
        let fresh = try TemporaryDirectory()
        let expected = try schema(try JournalFile(at: fresh.path).openWriter(JournalConfiguration()))
        #expect(!expected.isEmpty)
        #expect(JournalMigration.all.map(\.version) == Array(1...JournalMigration.newestVersion))
        for version in 1...JournalMigration.newestVersion {
            let directory = try TemporaryDirectory()
            let file = try JournalFile(at: directory.path)
            let old = try DatabaseQueue(path: file.path)
            try old.inDatabase { try JournalSchema.upgrade($0, from: 0, to: version) }
            try old.close()
            let connection = try file.openWriter(JournalConfiguration())
            #expect(try schema(connection) == expected, "from version \(version)")
            let newest = try connection.inDatabase { try Int.fetchOne($0, sql: "PRAGMA user_version") }
            #expect(newest == JournalMigration.newestVersion)
        }
    }

    @Test("a file of a newer version is refused and left as it is")
    func newer() async throws {
        let directory = try TemporaryDirectory()
        let file = try JournalFile(at: directory.path)
        let connection = try DatabaseQueue(path: file.path)
        try connection.inDatabase { database in
            try JournalSchema.upgrade(database, from: 0)
            try database.execute(sql: "PRAGMA user_version = \(JournalMigration.newestVersion + 1)")
        }
        try connection.close()
        let before = try contents(file.path)
        expectRefused(.newerSchema, file.path) { () throws(JournalError) in try SQLiteJournal(at: directory.path) }
        #expect(try contents(file.path) == before)
    }

    @Test("somebody else's SQLite file is refused and left as it is")
    func foreign() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("journal.sqlite")
        let connection = try DatabaseQueue(path: path)
        try connection.inDatabase { try $0.execute(sql: "CREATE TABLE recipes (name TEXT)") }
        try connection.close()
        let before = try contents(path)
        expectRefused(.corrupt, path) { () throws(JournalError) in try SQLiteJournal(at: directory.path) }
        #expect(try contents(path) == before)
    }

    @Test("a file that is no database, or was cut short, is refused by name", arguments: ["garbled", "truncated"])
    func damaged(_ damage: String) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("journal.sqlite")
        let journal = try SQLiteJournal(at: directory.path)
        let lease = try await journal.acquireLease(shard: 0)
        var sample = Sample(seed: 7)
        for _ in 0..<200 { try await journal.append(Sample.start(sample.execution()), lease) }
        await journal.close()
        let whole = try contents(path)
        #expect(whole.count > 40_000)
        try replace(path, with: damage == "garbled" ? whole.map { ~$0 } : Array(whole.prefix(whole.count / 2)))
        expectRefused(.corrupt, path) { () throws(JournalError) in try SQLiteJournal(at: directory.path) }
    }

    @Test("damage inside the file is found by who reads it, and named")
    func damagedInside() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("journal.sqlite")
        var journal = try SQLiteJournal(at: directory.path)
        let lease = try await journal.acquireLease(shard: 0)
        var sample = Sample(seed: 7)
        for _ in 0..<2_000 { try await journal.append(Sample.start(sample.execution()), lease) }
        await journal.close()
        var bytes = try contents(path)
        // The b-tree pages of the records in the middle of the file.
        for page in stride(from: 40, to: bytes.count / 4096 - 10, by: 1) {
            for offset in 0..<512 { bytes[page * 4096 + offset] = 0xA5 }
        }
        try replace(path, with: bytes)
        journal = try SQLiteJournal(at: directory.path)
        do {
            _ = try await journal.events(after: nil, shard: 0, limit: 10_000)
            Issue.record("the damage was not noticed")
        } catch {
            #expect(error.code == .corrupt)
            #expect(error.message.contains(path))
        }
        await journal.close()
    }
}

func expectRefused(
    _ code: JournalError.Code, _ path: String, _ open: () throws(JournalError) -> SQLiteJournal
) {
    do {
        _ = try open()
        Issue.record("the file was accepted")
    } catch {
        #expect(error.code == code)
        #expect(error.message.contains(path))
    }
}

func contents(_ path: String) throws -> [UInt8] {
    let file = open(path, O_RDONLY)
    guard file >= 0 else { throw TemporaryDirectory.Failure(code: errno) }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: Int(lseek(file, 0, SEEK_END)))
    guard pread(file, &bytes, bytes.count, 0) == bytes.count else { throw TemporaryDirectory.Failure(code: errno) }
    return bytes
}

func replace(_ path: String, with bytes: [UInt8]) throws {
    let file = open(path, O_WRONLY | O_TRUNC)
    guard file >= 0, write(file, bytes, bytes.count) == bytes.count else {
        throw TemporaryDirectory.Failure(code: errno)
    }
    close(file)
}
