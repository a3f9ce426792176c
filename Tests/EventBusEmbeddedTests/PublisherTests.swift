import EventBus
import EventBusEmbedded
import Foundation
import GRDB
import Testing
import WorkflowModel

@Suite("the embedded publisher")
struct PublisherTests {
    let directory: DataDirectory

    init() throws { directory = try DataDirectory() }

    @Test("drops what the topic has: a replay from an older position makes no duplicate and no hole")
    func replay() async throws {
        let bus = try directory.bus()
        let publisher = try await bus.publisher()
        var events = Events()
        try await publisher.publish(events.add(execution: 0, count: 10))
        try await publisher.publish(Array(events.all[4...]) + events.add(execution: 1, count: 3))
        try await publisher.publish(events.all)
        #expect(try await publisher.sourcePosition() == SourcePosition(rawValue: 13))
        #expect(try await rows() == (0..<13).map { "\($0) \($0 + 1)" })
        await publisher.close()
        await bus.close()
    }

    @Test("a failed batch leaves neither events nor a position, and may be published again")
    func atomicity() async throws {
        let bus = try directory.bus()
        let publisher = try await bus.publisher()
        var events = Events()
        try await publisher.publish(events.add(execution: 0, count: 3))
        let queue = try DataDirectory.outsider(directory.topic)
        try await queue.write { try $0.execute(sql: """
            CREATE TRIGGER refuse BEFORE INSERT ON event WHEN NEW.sequence = 6 BEGIN SELECT RAISE(ABORT, 'no'); END
            """) }
        let batch = events.add(execution: 0, count: 5)
        let refused = await error { try await publisher.publish(batch) }
        #expect(refused?.code == .inputOutput)
        #expect(try await publisher.sourcePosition() == SourcePosition(rawValue: 3))
        #expect(try await rows().count == 3)
        try await queue.write { try $0.execute(sql: "DROP TRIGGER refuse") }
        try queue.close()
        try await publisher.publish(batch)
        #expect(try await rows() == (0..<8).map { "\($0) \($0 + 1)" })
        await publisher.close()
        await bus.close()
    }

    @Test("what a killed publisher committed is there, with its position, and publishing goes on behind it")
    func crashImage() async throws {
        let bus = try directory.bus()
        let publisher = try await bus.publisher()
        var events = Events()
        for _ in 0..<5 { try await publisher.publish(events.add(execution: 0, count: 4)) }
        // The files as a kill would leave them: log not moved in, index of the log absent.
        let image = try DataDirectory()
        try FileManager.default.createDirectory(atPath: image.path + "/topics", withIntermediateDirectories: true)
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: directory.topic + suffix, toPath: image.topic + suffix)
        }
        let survivor = try image.bus()
        let next = try await survivor.publisher()
        #expect(try await next.sourcePosition() == SourcePosition(rawValue: 20))
        try await next.publish(events.all + events.add(execution: 0, count: 2))
        let page = try await survivor.history.events(of: events.executions[0], after: 0, limit: 100)
        #expect(page.events.map(\.sequence) == Array(1...22))
        #expect(page.isWhole)
        for publisher in [publisher, next] { await publisher.close() }
        for bus in [bus, survivor] { await bus.close() }
    }

    @Test("an event beyond the limit and positions that do not rise are refused")
    func refusals() async throws {
        let bus = try directory.bus(EmbeddedBusConfiguration(eventBytesMax: 100))
        let publisher = try await bus.publisher()
        var events = Events()
        let large = events.add(execution: 0, count: 1, size: 101)
        #expect(await error { try await publisher.publish(large) }?.code == .eventTooLarge)
        let two = events.add(execution: 1, count: 2)
        #expect(await error { try await publisher.publish(two.reversed()) }?.code == .configuration)
        #expect(await error { try await publisher.publish([two[0], two[0]]) }?.code == .configuration)
        #expect(try await publisher.sourcePosition() == nil)
        await publisher.close()
        await bus.close()
    }

    @Test("activity reaches the followers of its own process, the newest when one falls behind")
    func activity() async throws {
        let bus = try directory.bus()
        let publisher = try await bus.publisher()
        let stream = bus.activity.activity()
        var events = Events()
        let execution = events.add(execution: 0, count: 1)[0].event.executionID
        for number in 0..<1000 {
            publisher.publishActivity(EncodedActivity(executionID: execution, bytes: Array("\(number)".utf8)))
        }
        await bus.close()
        var received: [String] = []
        for await activity in stream { received.append(String(decoding: activity.bytes, as: UTF8.self)) }
        #expect(received == (744..<1000).map(String.init))
        await publisher.close()
    }

    /// Offset and sequence-independent position of each row, as another process reads them.
    private func rows() async throws -> [String] {
        let reader = try Python(
            """
            import sqlite3, sys
            db = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
            position = db.execute("SELECT source_position, next_offset FROM topic").fetchone()
            rows = db.execute("SELECT offset FROM event ORDER BY offset").fetchall()
            assert (position[0] or 0) == len(rows) == position[1], position
            print(" ".join(str(row[0]) for row in rows))
            """, directory.topic)
        return await reader.line().split(separator: " ").map { "\($0) \(Int($0)! + 1)" }
    }
}
