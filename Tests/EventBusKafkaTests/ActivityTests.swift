import EventBus
import EventBusKafka
import Testing
import WorkflowModel

extension KafkaTests {
    @Suite("Activity on Kafka")
    struct ActivityTests {
        private let execution: ExecutionID = {
            var random = SystemRandomNumberGenerator()
            return ExecutionID(at: .now, using: &random)
        }()

        private func activity(_ number: Int) -> EncodedActivity {
            EncodedActivity(executionID: execution, bytes: Array("{\"n\":\(number)}".utf8))
        }

        private func read(_ cluster: MockCluster) -> [[UInt8]] {
            RawClient(bootstrap: cluster.bootstrap).read(Topics.activity, partitions: 3).map(\.value)
        }

        @Test("the first of a process reaches the topic, though its publisher closes at once")
        func first() async throws {
            let cluster = try MockCluster()
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let publisher = try await bus.publisher()
            for number in 0..<3 { publisher.publishActivity(activity(number)) }
            await publisher.close()
            publisher.publishActivity(activity(3))
            await bus.close()
            #expect(read(cluster) == (0..<3).map { activity($0).bytes })
        }

        @Test("while the broker is away the newest 1,000 are kept, in order")
        func backlog() async throws {
            let cluster = try MockCluster()
            cluster.setDown()
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let publisher = try await bus.publisher()
            for number in 0..<1200 { publisher.publishActivity(activity(number)) }
            cluster.setUp()
            await publisher.close()
            await bus.close()
            #expect(read(cluster) == (200..<1200).map { activity($0).bytes })
        }

        @Test("closing waits for no broker that was found away", .timeLimit(.minutes(1)))
        func away() async throws {
            let cluster = try MockCluster()
            var configuration = cluster.configuration()
            configuration.limits.publishTimeout = .milliseconds(300)
            configuration.limits.requestTimeout = .seconds(90)
            configuration.limits.closeTimeout = .seconds(90)
            let bus = try KafkaBus(configuration: configuration, logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            try await publisher.publish(events.add(execution: 0, count: 1))
            cluster.setDown()
            let batch = events.add(execution: 0, count: 1)
            #expect(await error { try await publisher.publish(batch) } != nil)
            publisher.publishActivity(activity(0))
            await publisher.close()
            await bus.close()
        }

        @Test("it reaches followers in other processes, without the events' topic")
        func followers() async throws {
            let cluster = try MockCluster()
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let other = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let publisher = try await bus.publisher()
            let stream = other.activity.activity()
            // The follower begins where the topic ends once it has found it.
            let sending = Task {
                var number = 0
                while !Task.isCancelled {
                    publisher.publishActivity(activity(number))
                    number += 1
                    try? await Task.sleep(for: .milliseconds(5))
                }
            }
            var received: [EncodedActivity] = []
            for await activity in stream {
                received.append(activity)
                if received.count == 3 { break }
            }
            sending.cancel()
            await sending.value
            #expect(received.allSatisfy { $0.executionID == execution && $0.bytes.starts(with: "{\"n\":".utf8) })
            #expect(RawClient(bootstrap: cluster.bootstrap).read(Topics.events, partitions: 3).isEmpty)
            await publisher.close()
            await bus.close()
            await other.close()
        }
    }
}
