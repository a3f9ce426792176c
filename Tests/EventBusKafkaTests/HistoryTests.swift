@testable import EventBusKafka
import EventBus
import Testing
import WorkflowModel

extension KafkaTests {
    @Suite("history on Kafka")
    struct HistoryTests {
        private func event(_ sequence: Int, isFinal: Bool = false) -> EncodedEvent {
            var random = SystemRandomNumberGenerator()
            return EncodedEvent(
                executionID: ExecutionID(at: .now, using: &random), workflow: "w", sequence: sequence, type: "t",
                time: .now, isFinal: isFinal, bytes: [])
        }

        private func collect(
            _ sequences: [Int], final: Int? = nil, after: Int = 0, limit: Int = 100
        ) -> HistoryCollector {
            var collector = HistoryCollector(after: after, limit: limit)
            for sequence in sequences where !collector.isComplete {
                collector.add(event(sequence, isFinal: sequence == final))
            }
            return collector
        }

        @Test("drops repetitions, fills gaps from what comes again, and ends with the final event")
        func collector() {
            // A replay brings what was missing.
            let whole = collect([1, 2, 4, 1, 2, 3, 4, 5, 99], final: 5)
            #expect(whole.isComplete)
            let page = whole.page(isSearchedWhole: false, mayBeTrimmed: true)
            #expect(page.events.map(\.sequence) == [1, 2, 3, 4, 5] && page.isWhole && !page.hasMore)

            // A final event does not end the search while something before it is missing.
            let gap = collect([1, 2, 4], final: 4)
            #expect(!gap.isComplete)
            let cut = gap.page(isSearchedWhole: true, mayBeTrimmed: false)
            #expect(cut.events.map(\.sequence) == [1, 2, 4] && !cut.isWhole && !cut.hasMore)

            let trimmed = collect([3, 4], final: 4).page(isSearchedWhole: true, mayBeTrimmed: true)
            #expect(trimmed.events.map(\.sequence) == [3, 4] && !trimmed.isWhole && !trimmed.hasMore)
            // A hole wider than the page.
            let wide = collect([1, 9, 10, 11, 8], limit: 3).page(isSearchedWhole: true, mayBeTrimmed: false)
            #expect(wide.events.map(\.sequence) == [1, 8, 9] && wide.hasMore && !wide.isWhole)
            // The same, asked for behind what is gone.
            let tail = collect([3, 4], final: 4, after: 2)
            #expect(tail.isComplete && tail.page(isSearchedWhole: false, mayBeTrimmed: true).isWhole)
        }

        @Test("says whether there is more, and whether an empty answer is the truth")
        func limits() {
            let more = collect([1, 2, 3, 4, 5], limit: 3)
            #expect(more.isComplete)
            let page = more.page(isSearchedWhole: false, mayBeTrimmed: false)
            #expect(page.events.map(\.sequence) == [1, 2, 3] && page.hasMore && page.isWhole)
            let exact = collect([1, 2, 3], final: 3, limit: 3).page(isSearchedWhole: true, mayBeTrimmed: false)
            #expect(exact.events.count == 3 && !exact.hasMore && exact.isWhole)

            let running = collect([1, 2]).page(isSearchedWhole: true, mayBeTrimmed: true)
            #expect(running.events.count == 2 && running.isWhole)
            #expect(!collect([1, 2]).page(isSearchedWhole: false, mayBeTrimmed: false).isWhole)
            #expect(collect([]).page(isSearchedWhole: true, mayBeTrimmed: false).isWhole)
            #expect(!collect([]).page(isSearchedWhole: true, mayBeTrimmed: true).isWhole)
            #expect(!collect([]).page(isSearchedWhole: false, mayBeTrimmed: false).isWhole)
            // What the asker has is known not to be trimmed.
            #expect(collect([1, 2], after: 2).page(isSearchedWhole: true, mayBeTrimmed: true).isWhole)
        }

        @Test("gives up at its limit and says so")
        func bounded() async throws {
            let cluster = try MockCluster(partitions: 1)
            let configuration = cluster.configuration(partitions: 1)
            let context = try KafkaContext(configuration: configuration, logger: quietLogger)
            let topics = TopicDirectory(context: context)
            let publisher = try KafkaEventPublisher(topic: Topics.events, context: context, topics: topics)
            var events = Events()
            try await publisher.publish(events.add(execution: 0, count: 3))
            try await publisher.publish(events.add(execution: 1, count: 200, endsWithFinal: true))
            try await publisher.publish(events.add(execution: 0, count: 2, endsWithFinal: true))
            var limits = HistoryScan.Limits()
            limits.recordsMax = 100
            let short = KafkaEventHistory(context: context, topics: topics, limits: limits)
            let cut = try await short.events(of: events.executions[0], after: 0, limit: 100)
            #expect(cut.events.map(\.sequence) == [1, 2, 3] && !cut.isWhole)
            let whole = KafkaEventHistory(context: context, topics: topics)
            let page = try await whole.events(of: events.executions[0], after: 0, limit: 100)
            #expect(page.events.map(\.sequence) == [1, 2, 3, 4, 5] && page.isWhole && !page.hasMore)
            await short.close()
            await whole.close()
            await publisher.close()
            context.close()
        }

        @Test("serves many callers over four clients, and knows for a while whom it does not know")
        func concurrency() async throws {
            let cluster = try MockCluster()
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            for index in 0..<10 { try await publisher.publish(events.add(execution: index, count: 10)) }
            let executions = events.executions
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for caller in 0..<40 {
                    group.addTask {
                        try await bus.history.events(of: executions[caller % 10], after: 0, limit: 100).events.count
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(counts == Array(repeating: 10, count: 40))
            await publisher.close()
            await bus.close()
        }
    }
}
