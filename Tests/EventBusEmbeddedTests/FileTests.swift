import EventBus
import EventBusEmbedded
import Foundation
import GRDB
import Testing
import WorkflowModel

/// Files that are not what their names say, and positions that belong to another file.
@Suite("the embedded bus's files")
struct FileTests {
    let directory: DataDirectory

    init() throws {
        directory = try DataDirectory()
        try FileManager.default.createDirectory(atPath: directory.path + "/topics", withIntermediateDirectories: true)
    }

    /// The codes a publisher and a subscriber give for the topic file as it is.
    private func codes() async throws -> [BusError.Code?] {
        let bus = try directory.bus()
        let publishing = await error { _ = try await bus.publisher() }
        let reading = await error {
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            _ = try await subscription.next(limit: 1)
        }
        await bus.close()
        return [publishing?.code, reading?.code]
    }

    @Test("a topic is for its directory's group, a consumer's own state for its owner")
    func rights() async throws {
        let bus = try directory.bus()
        _ = try await bus.publisher()
        let store = try await bus.consumerStore(named: "metrics")
        for (path, mode) in [(directory.topic, 0o640), (directory.path + "/groups/stores/metrics.sqlite", 0o600)] {
            for suffix in ["", "-wal"] where suffix.isEmpty || FileManager.default.fileExists(atPath: path + suffix) {
                let attributes = try FileManager.default.attributesOfItem(atPath: path + suffix)
                let found = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
                #expect(found & ~mode == 0, "\(path)\(suffix): \(String(found, radix: 8))")
            }
        }
        await store.close()
        await bus.close()
    }

    @Test("a file that is no database is refused and stays as it is")
    func noDatabase() async throws {
        let text = Data(String(repeating: "This is a letter, not a topic. ", count: 200).utf8)
        try text.write(to: URL(fileURLWithPath: directory.topic))
        #expect(try await codes() == [.corrupt, .corrupt])
        #expect(try Data(contentsOf: URL(fileURLWithPath: directory.topic)) == text)
    }

    @Test("another program's database is refused and stays as it is")
    func foreign() async throws {
        let queue = try DataDirectory.outsider(directory.topic)
        try await queue.write { try $0.execute(sql: "CREATE TABLE letters (text)") }
        try queue.close()
        let before = try Data(contentsOf: URL(fileURLWithPath: directory.topic))
        #expect(try await codes() == [.configuration, .configuration])
        #expect(try Data(contentsOf: URL(fileURLWithPath: directory.topic)) == before)
    }

    @Test("a topic whose file is moved away takes no events any more, and says so")
    func moved() async throws {
        let bus = try directory.bus()
        let publisher = try await bus.publisher()
        var events = Events()
        try await publisher.publish(events.add(execution: 0, count: 1))
        try FileManager.default.moveItem(atPath: directory.topic, toPath: directory.topic + ".moved")
        let batch = events.add(execution: 0, count: 1)
        let refused = await error { try await publisher.publish(batch) }
        #expect(refused?.code == .moved && refused?.isRetryable == false)
        // A path that cannot be followed says nothing of the file: that may pass.
        try FileManager.default.createSymbolicLink(atPath: directory.topic, withDestinationPath: directory.topic)
        let unknown = await error { try await publisher.publish(batch) }
        #expect(unknown?.code == .inputOutput && unknown?.isRetryable == true)
        try FileManager.default.removeItem(atPath: directory.topic)
        try FileManager.default.moveItem(atPath: directory.topic + ".moved", toPath: directory.topic)
        try await publisher.publish(batch)
        await bus.close()
    }

    @Test("a later release's topic is refused")
    func newer() async throws {
        let bus = try directory.bus()
        await (try await bus.publisher()).close()
        await bus.close()
        let queue = try DataDirectory.outsider(directory.topic)
        try await queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 99") }
        try queue.close()
        #expect(try await codes() == [.newerSchema, .newerSchema])
    }

    @Test("a damaged page is reported as such")
    func damaged() async throws {
        let bus = try directory.bus()
        let publisher = try await bus.publisher()
        var events = Events()
        try await publisher.publish(events.add(execution: 0, count: 500, size: 500))
        await publisher.close()
        await bus.close()
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: directory.topic))
        let size = try file.seekToEnd()
        for page in stride(from: UInt64(4096), to: size, by: 4096) {
            try file.seek(toOffset: page)
            try file.write(contentsOf: Data(repeating: 0xAA, count: 4096))
        }
        try file.close()
        #expect(try await codes() == [.corrupt, .corrupt])
    }

    @Test("a group's position does not outlive the topic it belongs to")
    func otherTopic() async throws {
        var events = Events()
        let options = SubscriptionOptions(group: "g", start: .end)
        for round in 0..<2 {
            let bus = try directory.bus()
            // In the second round the group begins before the new topic exists.
            let subscription = try await bus.subscriber.subscribe(options)
            let publisher = try await bus.publisher()
            try await publisher.publish(events.add(execution: round, count: 5))
            let seen = try await subscription.next(limit: 10)
            #expect(seen.map(\.offset) == Array(0..<5))
            try await subscription.commit([TopicPosition(partition: 0, nextOffset: 5)])
            await subscription.close()
            await publisher.close()
            await bus.close()
            try FileManager.default.removeItem(atPath: directory.topic)
        }
    }

    @Test("a failed commit of a consumer store leaves neither entries nor positions")
    func storeAtomicity() async throws {
        let bus = try directory.bus()
        let store = try await bus.consumerStore(named: "s")
        let queue = try DataDirectory.outsider(directory.path + "/groups/stores/s.sqlite")
        try await queue.write { try $0.execute(sql: """
            CREATE TRIGGER refuse BEFORE INSERT ON position WHEN NEW.next_offset = 9
            BEGIN SELECT RAISE(ABORT, 'no'); END
            """) }
        let refused = await error {
            try await store.commit(
                [ConsumerChange(key: "k", value: [1])], positions: [TopicPosition(partition: 0, nextOffset: 9)])
        }
        #expect(refused?.code == .inputOutput)
        #expect(try await store.value(for: "k") == nil)
        #expect(try await store.positions().isEmpty)
        try queue.close()
        #expect(await error { _ = try await bus.consumerStore(named: "s") }?.code == .groupTaken)
        await store.close()
        await bus.close()
    }

    @Test("a name that would leave the directory is refused", arguments: ["", "..", "a/b", ".hidden", "ü"])
    func names(_ name: String) async throws {
        let bus = try directory.bus()
        #expect(await error { _ = try await bus.consumerStore(named: name) }?.code == .configuration)
        let options = SubscriptionOptions(group: name, start: .end)
        #expect(await error { _ = try await bus.subscriber.subscribe(options) }?.code == .configuration)
        await bus.close()
    }
}
