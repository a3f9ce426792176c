import FoundationEssentials
import Glibc
import JournalContract
import Testing
import WorkflowEngine

@testable import JournalSQLite

@Suite("SQLiteJournal: one owner of a data directory")
struct DirectoryLockTests {
    @Test("a second journal on the directory is refused with the holder's pid until the first is closed")
    func second() async throws {
        let directory = try TemporaryDirectory()
        let first = try SQLiteJournal(at: directory.path)
        do {
            _ = try SQLiteJournal(at: directory.path)
            Issue.record("two journals on one directory")
        } catch {
            #expect(error.code == .locked)
            #expect(error.message.contains("process \(getpid()) "))
            #expect(error.message.contains(directory.file("orchestrator.lock")))
        }
        await first.close()
        let third = try SQLiteJournal(at: directory.path)
        await third.close()
    }

    @Test("closing gives the directory up although a child that was just forked has the file open, too")
    func forked() async throws {
        let directory = try TemporaryDirectory()
        let first = try SQLiteJournal(at: directory.path)
        // What a fork does to the lock's file, for as long as the child has not reached its `exec`.
        let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        let copies = files.filter { Self.path(of: $0) == directory.file("orchestrator.lock") }.map { dup($0) }
        defer { for copy in copies { close(copy) } }
        #expect(copies.count == 1)
        await first.close()
        let second = try SQLiteJournal(at: directory.path)
        await second.close()
    }

    /// The file behind a descriptor; nil when none is open.
    private static func path(of file: Int32) -> String? {
        var bytes = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/fd/\(file)", &bytes, bytes.count)
        return count < 0 ? nil : String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test("another process's lock is respected, and dies with it")
    func otherProcess() async throws {
        let directory = try TemporaryDirectory()
        // Independent of the code under test: 37 is F_OFD_SETLK, the structure is the kernel's.
        let program = """
            import fcntl, os, struct, sys
            file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
            fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
            os.write(file, b"%d\\n" % os.getpid())
            print("held", flush=True)
            sys.stdin.read()
            """
        let holder = try Child(["/usr/bin/env", "python3", "-c", program, directory.file("orchestrator.lock")])
        #expect(holder.readLine() == "held")
        do {
            _ = try SQLiteJournal(at: directory.path)
            Issue.record("opened beside another process")
        } catch {
            #expect(error.code == .locked)
            #expect(error.message.contains("process \(holder.process) "))
        }
        holder.kill()
        let journal = try SQLiteJournal(at: directory.path)
        _ = try await journal.acquireLease(shard: 0)
        await journal.close()
    }
}

/// A child process with pipes for its input and output.
private final class Child {
    let process: pid_t
    private let input: Int32
    private let output: Int32

    init(_ arguments: [String]) throws {
        var toChild: [Int32] = [0, 0]
        var fromChild: [Int32] = [0, 0]
        guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else { throw TemporaryDirectory.Failure(code: errno) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        for end in [toChild[1], fromChild[0]] { posix_spawn_file_actions_addclose(&actions, end) }
        var strings = arguments.map { strdup($0) } + [nil]
        var child = pid_t()
        let code = posix_spawn(&child, arguments[0], &actions, nil, &strings, environ)
        for string in strings { free(string) }
        posix_spawn_file_actions_destroy(&actions)
        close(toChild[0])
        close(fromChild[1])
        guard code == 0 else { throw TemporaryDirectory.Failure(code: code) }
        process = child
        input = toChild[1]
        output = fromChild[0]
    }

    func readLine() -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(output, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
        return String(decoding: line, as: UTF8.self)
    }

    func kill() {
        Glibc.kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    deinit {
        close(input)
        close(output)
    }
}
