import CRdKafka
import EventBus
import EventBusKafka
import Foundation
import Testing
import WorkflowModel

extension KafkaTests {
    @Suite("Kafka consumers")
    struct ConsumerTests {
        @Test("a member that is not told the group's positions at first goes on where the group was")
        func positionsUnknown() async throws {
            let cluster = try MockCluster()
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            try await publisher.publish(events.add(execution: 0, count: 20))
            let options = SubscriptionOptions(group: "resumes", start: .beginning)
            let first = try await bus.subscriber.subscribe(options)
            let seen = try await first.read(20)
            let last = try #require(seen.last)
            try await first.commit([TopicPosition(partition: last.partition, nextOffset: last.offset + 1)])
            await first.close()
            // One answer to our own question; the library asks once more by itself.
            cluster.fail(MockCluster.Request.offsetFetch, with: [RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED])
            let second = try await bus.subscriber.subscribe(options)
            let late = events.add(execution: 0, count: 1)
            try await publisher.publish(late)
            #expect(try await second.read(1).map(\.event.id) == late.map(\.event.id))
            await second.close()
            await publisher.close()
            await bus.close()
        }

        @Test("the members of a group share the partitions, and who stays takes over from who leaves")
        func rebalance() async throws {
            let cluster = try MockCluster()
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            for index in 0..<12 { try await publisher.publish(events.add(execution: index, count: 5)) }
            let options = SubscriptionOptions(group: "shared", start: .beginning)
            let first = try await bus.subscriber.subscribe(options)
            var seen = Set(try await first.read(30).map(\.event.id))
            let second = try await bus.subscriber.subscribe(options)
            // Both must poll for the group to come to a new generation.
            let streams = [first, second].map { subscription in
                AsyncThrowingStream<(Bool, [DeliveredEvent]), any Error> { continuation in
                    let isFirst = subscription as AnyObject === first as AnyObject
                    let task = Task {
                        while true {
                            let events = try await subscription.next(limit: 100)
                            continuation.yield((isFirst, events))
                            if events.isEmpty { break }
                        }
                        continuation.finish()
                    }
                    continuation.onTermination = { _ in task.cancel() }
                }
            }
            let merged = AsyncStream<(Bool, [DeliveredEvent])>.makeStream()
            let readers = streams.map { stream in
                Task { for try await item in stream { merged.continuation.yield(item) } }
            }
            // Publishes until the second member gets something, then closes it and wants everything from the first.
            var isSecondClosed = false
            var afterClose = Set<String>()
            var round = 0
            publishing: while round < 400 {
                let batch = events.add(execution: round % 12, count: 1)
                try await publisher.publish(batch)
                if isSecondClosed { afterClose.insert(batch[0].event.id) }
                round += 1
                for await (isFirst, delivered) in merged.stream {
                    for record in delivered {
                        seen.insert(record.event.id)
                        if isFirst { afterClose.remove(record.event.id) }
                    }
                    if !isFirst, !delivered.isEmpty, !isSecondClosed {
                        isSecondClosed = true
                        await second.close()
                    }
                    if seen.contains(batch[0].event.id) { break }
                }
                if isSecondClosed, afterClose.isEmpty, round > 30, seen.count == events.all.count { break publishing }
            }
            #expect(isSecondClosed, "the second member never got a partition")
            #expect(seen.count == events.all.count, "\(events.all.count) events were published, \(seen.count) came")
            await first.close()
            for reader in readers { _ = try? await reader.value }
            await publisher.close()
            await bus.close()
        }

        @Test("closing the bus ends a waiting next with closed")
        func busClose() async throws {
            let cluster = try MockCluster()
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .end))
            let waiting = Task { await error { _ = try await subscription.next(limit: 1) } }
            await Task.yield()
            await bus.close()
            #expect(await waiting.value?.code == .closed)
            let late = await error { _ = try await bus.subscriber.subscribe(SubscriptionOptions(start: .end)) }
            #expect(late?.code == .closed)
            await subscription.close()
        }

        @Test("closing with the broker away keeps to its deadline")
        func closeDeadline() async throws {
            let cluster = try MockCluster()
            var configuration = cluster.configuration()
            configuration.limits.closeTimeout = .seconds(2)
            let bus = try KafkaBus(configuration: configuration, logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            try await publisher.publish(events.add(execution: 0, count: 5))
            let member = try await bus.subscriber.subscribe(SubscriptionOptions(group: "g", start: .beginning))
            let reader = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            _ = try await member.read(5)
            cluster.setDown()
            let start = ContinuousClock.now
            await member.close()
            await reader.close()
            await publisher.close()
            await bus.close()
            #expect(ContinuousClock.now - start < .seconds(9))
        }

        @Test("statistics tell brokers, published records, their latency and the lag")
        func statistics() async throws {
            let cluster = try MockCluster(brokers: 2)
            var configuration = cluster.configuration()
            configuration.limits.statisticsInterval = .milliseconds(50)
            let bus = try KafkaBus(configuration: configuration, logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            try await publisher.publish(events.add(execution: 0, count: 20))
            // Only now: the lag counts to where the topic ended at the last fetch.
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            let first = try await subscription.next(limit: 4)
            var statistics = bus.statistics
            #expect(statistics.publishedRecords == 20)
            #expect(statistics.publishLatency.counts.reduce(0, +) == 20)
            #expect(statistics.subscriptions.count == 1 && statistics.subscriptions[0].group == nil)
            #expect(statistics.subscriptions[0].lagByPartition[first[0].partition] == 20 - first.count)
            // The library's own report comes in its own time.
            let end = ContinuousClock.now + .seconds(20)
            while statistics.brokersUp == 0, ContinuousClock.now < end {
                try await publisher.publish(events.add(execution: 0, count: 1))
                statistics = bus.statistics
            }
            #expect(statistics.brokersUp >= 1 && statistics.brokersKnown >= statistics.brokersUp)
            #expect(statistics.lastError == nil)
            await subscription.close()
            await publisher.close()
            await bus.close()
        }

        /// Clients made and closed, and records published and read; `STEPSTREAM_TEST_SOAK=10000,1000000` for a long
        /// run.
        private static let soak: (clients: Int, records: Int) = {
            let text = ProcessInfo.processInfo.environment["STEPSTREAM_TEST_SOAK"] ?? "500,5000"
            let numbers = text.split(separator: ",").compactMap { Int($0) }
            return numbers.count == 2 ? (numbers[0], numbers[1]) : (500, 5000)
        }()

        @Test("clients and records leave neither threads nor descriptors nor memory behind")
        func leaks() async throws {
            // Of a file under /proc that is longer than a page, reading it as a text gives the first part only.
            func text(_ path: String) -> String {
                String(decoding: (try? FileHandle(forReadingAtPath: path)?.readToEnd()) ?? Data(), as: UTF8.self)
            }
            func threads() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count { task in
                    text("/proc/self/task/\(task)/comm").hasPrefix("rdk:")
                }
            }
            func residentMegabytes() throws -> Int {
                let pages = try #require(text("/proc/self/statm").split(separator: " ").dropFirst().first)
                return try #require(Int(pages)) * 4096 / (1 << 20)
            }
            let cluster = try MockCluster()
            let port = try #require(cluster.bootstrap.split(separator: ":").last.flatMap { UInt16($0) })
            // Other suites have descriptors of their own: those of clients are connections to the mock and wake-ups.
            func connections() -> Int {
                let end = String(format: ":%04X ", Int(port))
                return text("/proc/self/net/tcp").split(separator: "\n").count {
                    $0.contains(end) && $0.contains(" 01 ")
                }
            }
            func wakeups() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { descriptor in
                    let target = try? FileManager.default.destinationOfSymbolicLink(
                        atPath: "/proc/self/fd/\(descriptor)")
                    return target == "anon_inode:[eventfd]"
                }
            }
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let (threadsBefore, wakeupsBefore) = (try threads(), try wakeups())
            var events = Events()
            func useClients(_ clients: Int) async throws {
                for index in 0..<clients {
                    if index % 2 == 0 {
                        let publisher = try await bus.publisher()
                        try await publisher.publish(events.add(execution: 0, count: 1))
                        await publisher.close()
                    } else {
                        let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .end))
                        await subscription.close()
                    }
                }
            }
            func useRecords(_ records: Int) async throws {
                let publisher = try await bus.publisher()
                let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .end))
                var repeated = Events()
                let batch = repeated.add(execution: 0, count: 500, size: 300)
                for _ in 0..<records / batch.count {
                    try await publisher.publish(batch)
                    var read = 0
                    while read < batch.count { read += try await subscription.next(limit: 500).count }
                }
                await subscription.close()
                await publisher.close()
            }
            // A tenth first: what is kept on purpose stands after it.
            try await useClients(Self.soak.clients / 10)
            try await useRecords(Self.soak.records / 10)
            let residentBefore = try residentMegabytes()
            let open = try await bus.publisher()
            try await open.publish(events.add(execution: 0, count: 1))
            let (threadsSeen, wakeupsSeen) = (try threads(), try wakeups())
            try #require(
                residentBefore > 0 && threadsSeen > 0 && wakeupsSeen > 0 && connections() > 0,
                "nothing is seen of this process")
            await open.close()
            try await useClients(Self.soak.clients - Self.soak.clients / 10)
            try await useRecords(Self.soak.records - Self.soak.records / 10)
            let resident = try residentMegabytes()
            print(
                "\(Self.soak) clients and records: \(residentBefore) MB resident after a tenth, \(resident) MB at the end"
            )
            // Some clients may still be closing; a leak would be 500 and more.
            #expect(try threads() < threadsBefore + 150)
            #expect(try wakeups() < wakeupsBefore + 150)
            #expect(connections() < 150)
            // Of a long run alone: other suites' memory is in it, too.
            if Self.soak.clients >= 10_000 { #expect(resident < residentBefore + 64) }
            await bus.close()
        }
    }
}
