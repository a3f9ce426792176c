import EventBus
import EventBusEmbedded
import Foundation
import Testing
import WorkflowModel

/// Other processes: readers, holders of locks, and what they leave behind when they die.
@Suite("the embedded bus among processes")
struct ProcessTests {
    static let reader = """
        import os, socket, sqlite3, sys
        directory, name = os.path.split(sys.argv[1])
        os.chdir(directory)
        bell = socket.socket(socket.AF_UNIX)
        bell.settimeout(20)
        bell.connect("stepstream.events.v1.sock")
        db = sqlite3.connect("file:" + name + "?mode=ro", uri=True)
        while True:
            if not bell.recv(4096):
                print("gone", flush=True)
                break
            print(db.execute("SELECT next_offset FROM topic").fetchone()[0], flush=True)
        """

    static let locker = """
        import fcntl, os, struct, sys
        os.makedirs(os.path.dirname(sys.argv[1]), exist_ok=True)
        file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
        try:
            fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
        except OSError:
            print("taken by", os.read(file, 20).decode().strip(), flush=True)
            sys.exit()
        os.ftruncate(file, 0)
        os.pwrite(file, b"%d\\n" % os.getpid(), 0)
        print("locked", flush=True)
        sys.stdin.read()
        """

    @Test("a process that is told by the doorbell finds the commit in the file", arguments: [0, 4])
    func doorbell(depth: Int) async throws {
        let directory = try DataDirectory(depth: depth)
        #expect((directory.socket.utf8.count > 107) == (depth > 0))
        let bus = try directory.bus()
        let publisher = try await bus.publisher()
        let reader = try Python(Self.reader, directory.topic)
        #expect(await reader.line() == "0")
        var events = Events()
        for round in 1...20 {
            try await publisher.publish(events.add(execution: 0, count: 3))
            #expect(await reader.line() == "\(round * 3)")
        }
        await publisher.close()
        #expect(await reader.line() == "gone")
        await bus.close()
    }

    @Test("a subscription in a directory too deep for a socket's path hears the doorbell too")
    func longPath() async throws {
        let directory = try DataDirectory(depth: 4)
        let (here, there) = (try directory.bus(), try directory.bus())
        let publisher = try await here.publisher()
        let subscription = try await there.subscriber.subscribe(SubscriptionOptions(start: .beginning))
        var events = Events()
        for round in 1...5 {
            try await publisher.publish(events.add(execution: 0, count: 1))
            #expect(try await subscription.next(limit: 10).map(\.event.sequence) == [round])
        }
        await subscription.close()
        await publisher.close()
        for bus in [here, there] { await bus.close() }
    }

    @Test("a subscription that does not wait has a lag that counts what came meanwhile, and then finds it")
    func resting() async throws {
        let directory = try DataDirectory()
        let (here, there) = (try directory.bus(), try directory.bus())
        let publisher = try await here.publisher()
        let subscription = try await there.subscriber.subscribe(SubscriptionOptions(start: .beginning))
        var events = Events()
        for round in 1...20 {
            try await publisher.publish(events.add(execution: 0, count: round))
            #expect(await subscription.lag == round)
            var count = 0
            while count < round { count += try await subscription.next(limit: 100).count }
            #expect(await subscription.lag == 0)
        }
        await subscription.close()
        await publisher.close()
        for bus in [here, there] { await bus.close() }
    }

    @Test("a second publisher is refused with the first one's process ID, until that process dies")
    func publisherLock() async throws {
        let directory = try DataDirectory()
        let bus = try directory.bus()
        let holder = try Python(Self.locker, directory.topicLock)
        #expect(await holder.line() == "locked")
        let refused = await error { _ = try await bus.publisher() }
        #expect(refused?.code == .publisherTaken)
        #expect(refused?.message.contains("process \(holder.pid)") == true)
        holder.kill()
        let publisher = try await bus.publisher()
        let second = await error { _ = try await bus.publisher() }
        #expect(second?.message.contains("process \(getpid())") == true)
        #expect(await (try Python(Self.locker, directory.topicLock)).line() == "taken by \(getpid())")
        await publisher.close()
        await bus.close()
    }

    @Test("a second member of a group is refused with the first one's process ID, until that process dies")
    func groupLock() async throws {
        let directory = try DataDirectory()
        let bus = try directory.bus()
        let options = SubscriptionOptions(group: "g", start: .beginning)
        let holder = try Python(Self.locker, directory.path + "/groups/g.lock")
        #expect(await holder.line() == "locked")
        let refused = await error { _ = try await bus.subscriber.subscribe(options) }
        #expect(refused?.code == .groupTaken)
        #expect(refused?.message.contains("process \(holder.pid)") == true)
        holder.kill()
        let subscription = try await bus.subscriber.subscribe(options)
        let second = await error { _ = try await bus.subscriber.subscribe(options) }
        #expect(second?.message.contains("process \(getpid())") == true)
        await subscription.close()
        let again = try await bus.subscriber.subscribe(options)
        await again.close()
        await bus.close()
    }

    @Test("a socket left by a dead process is replaced")
    func leftOverSocket() async throws {
        let directory = try DataDirectory()
        let dead = try Python(
            """
            import os, socket, sys
            os.makedirs(os.path.dirname(sys.argv[1]), exist_ok=True)
            bell = socket.socket(socket.AF_UNIX)
            bell.bind(sys.argv[1])
            print("bound", flush=True)
            sys.stdin.read()
            """, directory.socket)
        #expect(await dead.line() == "bound")
        dead.kill()
        #expect(FileManager.default.fileExists(atPath: directory.socket))
        let bus = try directory.bus()
        let publisher = try await bus.publisher()
        let reader = try Python(Self.reader, directory.topic)
        #expect(await reader.line() == "0")
        await publisher.close()
        #expect(await reader.line() == "gone")
        await bus.close()
    }

    @Test("a reader that never reads its bytes does not hold the publisher back")
    func deafReader() async throws {
        let directory = try DataDirectory()
        let bus = try directory.bus()
        let publisher = try await bus.publisher()
        let deaf = try Python(
            """
            import os, socket, sys
            bell = socket.socket(socket.AF_UNIX)
            bell.connect(sys.argv[1])
            bell.recv(1)
            print("attached", flush=True)
            sys.stdin.read()
            """, directory.socket)
        #expect(await deaf.line() == "attached")
        var events = Events()
        for batch in 0..<2000 { try await publisher.publish(events.add(execution: batch % 7, count: 1)) }
        #expect(try await publisher.sourcePosition() == SourcePosition(rawValue: 2000))
        await publisher.close()
        await bus.close()
    }

    @Test("a reader waits for the file, follows it, and goes on behind the publisher's successor")
    func readerFirst() async throws {
        let directory = try DataDirectory()
        let (here, there) = (try directory.bus(), try directory.bus())
        let subscription = try await there.subscriber.subscribe(SubscriptionOptions(group: "early", start: .end))
        var events = Events()
        var seen: [Int] = []
        for _ in 0..<3 {
            let publisher = try await here.publisher()
            try await publisher.publish(events.add(execution: 0, count: 4))
            while seen.count % 4 != 0 || seen.count < events.all.count {
                seen += try await subscription.next(limit: 3).map(\.event.sequence)
            }
            await publisher.close()
        }
        #expect(seen == Array(1...12))
        await subscription.close()
        for bus in [here, there] { await bus.close() }
    }

    @Test("a closed publisher's doorbell is gone at once, so that it never takes its successor's away")
    func successorsSocket() async throws {
        let directory = try DataDirectory()
        let bus = try directory.bus()
        for _ in 0..<50 {
            let publisher = try await bus.publisher()
            #expect(FileManager.default.fileExists(atPath: directory.socket))
            await publisher.close()
            #expect(!FileManager.default.fileExists(atPath: directory.socket))
        }
        let publisher = try await bus.publisher()
        let reader = try Python(Self.reader, directory.topic)
        #expect(await reader.line() == "0")
        await publisher.close()
        await bus.close()
    }

    @Test("what was closed has no file open: the directory is whoever's comes next")
    func closedFiles() async throws {
        for shared in [true, false] {
            let here = try EmbeddedUnderTest(shared: shared)
            for _ in 0..<20 {
                let publisher = try await here.publisher()
                let subscription = try await here.subscriber.subscribe(
                    SubscriptionOptions(group: "g", start: .beginning))
                var events = Events()
                let batch = events.add(execution: 0, count: 1)
                try await publisher.publish([batch[0]])
                _ = try await subscription.next(limit: 1)
                _ = try await here.history.events(of: events.executions[0], after: 0, limit: 1)
                await subscription.close()
                await publisher.close()
            }
            await here.close()
            #expect(Self.open(under: here.directory.path) == [])
        }
    }

    /// The paths of this process's descriptors below `directory`.
    private static func open(under directory: String) -> [String] {
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return descriptors.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }.filter { $0.hasPrefix(directory) }
    }
}
