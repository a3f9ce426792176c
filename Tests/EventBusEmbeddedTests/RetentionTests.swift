import EventBus
import EventBusEmbedded
import Foundation
import Testing
import WorkflowModel

@Suite("retention of an embedded topic")
struct RetentionTests {
    let directory: DataDirectory

    init() throws { directory = try DataDirectory() }

    /// Publishes 1200 events of 12 executions one after the other, then one more under the given retention.
    private func trimmed(
        by retention: EmbeddedBusConfiguration.Retention
    ) async throws -> (EmbeddedBus, EmbeddedEventPublisher, Events) {
        var events = Events()
        let first = try directory.bus()
        let filler = try await first.publisher()
        for execution in 0..<12 { try await filler.publish(events.add(execution: execution, count: 100, size: 808)) }
        await filler.close()
        await first.close()
        let bus = try directory.bus(EmbeddedBusConfiguration(retention: retention))
        let publisher = try await bus.publisher()
        try await publisher.publish(events.add(execution: 11, count: 1, size: 808))
        // Each answer lets one bounded step of retention by.
        for _ in 0..<20 { _ = try await publisher.sourcePosition() }
        return (bus, publisher, events)
    }

    @Test("by size removes the oldest, says what history lost, and offsets go on")
    func bySize() async throws {
        // 250 rows of 808 + 192 bytes: what is left of execution 9, and 10 and 11 whole.
        let (bus, publisher, events) = try await trimmed(by: .init(bytesMax: 250_000))
        let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
        var offsets: [Int64] = []
        while offsets.last != 1200 { offsets += try await subscription.next(limit: 100).map(\.offset) }
        #expect(offsets == Array(951...1200))

        let gone = try await bus.history.events(of: events.executions[3], after: 0, limit: 500)
        #expect(gone.events.isEmpty && !gone.isWhole)
        let cut = try await bus.history.events(of: events.executions[9], after: 0, limit: 500)
        #expect(cut.events.map(\.sequence) == Array(52...100))
        #expect(!cut.isWhole)
        let tail = try await bus.history.events(of: events.executions[9], after: 60, limit: 500)
        #expect(tail.events.count == 40 && tail.isWhole)
        let end = try await bus.history.events(of: events.executions[9], after: 100, limit: 500)
        #expect(end.events.isEmpty && end.isWhole)
        let kept = try await bus.history.events(of: events.executions[11], after: 0, limit: 500)
        #expect(kept.events.count == 101 && kept.isWhole)
        var more = events
        _ = more.add(execution: 12, count: 1)
        let unknown = try await bus.history.events(of: more.executions[12], after: 0, limit: 500)
        #expect(unknown.events.isEmpty && unknown.isWhole)
        await subscription.close()
        await publisher.close()
        await bus.close()
    }

    @Test("by age removes what was appended before it, whatever the events' own time")
    func byAge() async throws {
        let (bus, publisher, events) = try await trimmed(by: .init(age: .zero))
        let page = try await bus.history.events(of: events.executions[0], after: 0, limit: 500)
        #expect(page.events.isEmpty && !page.isWhole)
        await publisher.close()
        await bus.close()

        let young = try DataDirectory()
        let other = try young.bus(EmbeddedBusConfiguration(retention: .init(age: .seconds(3600))))
        let second = try await other.publisher()
        var fresh = Events()
        try await second.publish(fresh.add(execution: 0, count: 5))
        for _ in 0..<3 { _ = try await second.sourcePosition() }
        #expect(try await other.history.events(of: fresh.executions[0], after: 0, limit: 9).events.count == 5)
        await second.close()
        await other.close()
    }

    @Test("a group whose position was removed goes on with the oldest there is")
    func passedGroup() async throws {
        let options = SubscriptionOptions(group: "late", start: .beginning)
        let before = try directory.bus()
        let early = try await before.subscriber.subscribe(options)
        await early.close()
        await before.close()
        let (bus, publisher, _) = try await trimmed(by: .init(bytesMax: 100_000))
        let subscription = try await bus.subscriber.subscribe(options)
        #expect(try await subscription.next(limit: 1).map(\.offset) == [1101])
        await subscription.close()
        await publisher.close()
        await bus.close()
    }
}
