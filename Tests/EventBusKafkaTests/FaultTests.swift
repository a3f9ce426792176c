import CRdKafka
import EventBus
import EventBusKafka
import Testing
import WorkflowModel

extension KafkaTests {
    @Suite("the Kafka publisher, when the cluster fails")
    struct FaultTests {
        /// Publishes as the relay does: the same batch again until it is taken.
        private func insist(_ publisher: KafkaEventPublisher, _ batch: [SourcedEvent]) async throws -> [BusError] {
            var errors: [BusError] = []
            while true {
                do throws(BusError) {
                    try await publisher.publish(batch)
                    return errors
                } catch {
                    errors.append(error)
                    try #require(error.isRetryable && errors.count < 50, "\(error)")
                }
            }
        }

        /// What the topic has of each execution, duplicates dropped, must be all of it in order; gives the duplicates.
        ///
        @discardableResult
        private func verify(_ cluster: MockCluster, _ events: Events) -> Int {
            let records = RawClient(bootstrap: cluster.bootstrap).read(Topics.events, partitions: 3)
            for execution in events.executions {
                var next = 1
                let sequences = records.filter { $0.key == execution.description }.map { record in
                    let id = record.headers.first { $0.hasPrefix("ce_id: ") } ?? ""
                    return Int(id.split(separator: ":").last ?? "") ?? 0
                }
                for sequence in sequences {
                    #expect(sequence <= next, "sequence \(sequence) came where \(next) was due")
                    next = max(next, sequence + 1)
                }
                let count = events.all.count { $0.event.executionID == execution }
                #expect(next == count + 1, "of \(count) events \(next - 1) came")
            }
            return records.count - events.all.count
        }

        @Test(
            "retriable answers of the broker are retried until it takes everything",
            arguments: [
                RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR__TRANSPORT,
            ].map(\.rawValue))
        func retriable(_ code: Int32) async throws {
            let cluster = try MockCluster()
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            try await publisher.publish(events.add(execution: 0, count: 5))
            cluster.fail(MockCluster.Request.produce, with: Array(repeating: rd_kafka_resp_err_t(code), count: 3))
            // One request at a time: the mock does not check idempotence and takes the request behind a refused one,
            // from which the library concludes, as it may of a broker, that the refused one was taken too.
            for _ in 0..<20 { try await publisher.publish(events.add(execution: 0, count: 1)) }
            #expect(verify(cluster, events) == 0)
            await publisher.close()
            await bus.close()
        }

        @Test("an error the idempotent producer cannot survive gets a new producer, and the batch is published again")
        func fatal() async throws {
            let cluster = try MockCluster()
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            try await publisher.publish(events.add(execution: 0, count: 5))
            cluster.fail(
                MockCluster.Request.produce,
                with: [RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH])
            let errors = try await insist(publisher, events.add(execution: 0, count: 1))
            #expect(!errors.isEmpty, "nothing failed, so nothing was tested")
            verify(cluster, events)
            #expect(bus.statistics.publishFailures > 0)
            await publisher.close()
            await bus.close()
        }

        @Test("a producer the broker gives no id is replaced at the next try")
        func withoutID() async throws {
            let cluster = try MockCluster()
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            cluster.fail(
                MockCluster.Request.initProducerID, with: [RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED])
            let batch = events.add(execution: 0, count: 3)
            let refused = await error { try await publisher.publish(batch) }
            #expect(refused?.code == .configuration, "\(String(describing: refused))")
            try await publisher.publish(batch)
            verify(cluster, events)
            await publisher.close()
            await bus.close()
        }

        @Test("a broker that goes and comes back costs retryable errors, and no event nor its order")
        func outage() async throws {
            let cluster = try MockCluster()
            var configuration = cluster.configuration()
            configuration.limits.publishTimeout = .seconds(1)
            configuration.limits.requestTimeout = .seconds(1)
            let bus = try KafkaBus(configuration: configuration, logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            try await publisher.publish(events.add(execution: 0, count: 5))
            cluster.setDown()
            let batch = events.add(execution: 0, count: 100)
            let start = ContinuousClock.now
            let refused = try #require(await error { try await publisher.publish(batch) })
            #expect(refused.code == .unavailable && refused.isRetryable)
            #expect(ContinuousClock.now - start < .seconds(8))
            #expect(await error { try await publisher.publish(batch) }?.isRetryable == true)
            cluster.setUp()
            _ = try await insist(publisher, batch)
            try await publisher.publish(events.add(execution: 1, count: 5))
            verify(cluster, events)
            await publisher.close()
            await bus.close()
        }

        @Test("leaders that move between brokers are followed")
        func leaders() async throws {
            let cluster = try MockCluster(brokers: 3)
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let publisher = try await bus.publisher()
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            var events = Events()
            for round in 0..<6 {
                try await publisher.publish(
                    events.add(execution: 0, count: 10) + events.add(execution: 1, count: 10)
                        + events.add(execution: 2, count: 10))
                for partition in 0..<3 {
                    _ = rd_kafka_mock_partition_set_leader(
                        cluster.cluster, Topics.events, Int32(partition), Int32((round + partition) % 3 + 1))
                }
            }
            verify(cluster, events)
            let read = try await subscription.read(180)
            #expect(read.count == 180)
            await subscription.close()
            await publisher.close()
            await bus.close()
        }

        @Test("a full queue makes publish wait, not fail")
        func fullQueue() async throws {
            let cluster = try MockCluster()
            var configuration = cluster.configuration()
            configuration.limits.queuedRecordsMax = 10
            let bus = try KafkaBus(configuration: configuration, logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            try await publisher.publish(events.add(execution: 0, count: 700))
            #expect(verify(cluster, events) == 0)
            await publisher.close()
            await bus.close()
        }

        @Test("an event beyond the broker's limit is refused with the property to raise, and what follows is published")
        func oversize() async throws {
            let cluster = try MockCluster()
            var configuration = cluster.configuration()
            configuration.properties["message.max.bytes"] = "2000"
            let bus = try KafkaBus(configuration: configuration, logger: quietLogger)
            let publisher = try await bus.publisher()
            var large = Events()
            let refused = try #require(
                await error { try await publisher.publish(large.add(execution: 0, count: 1, size: 5000)) })
            #expect(refused.code == .eventTooLarge && !refused.isRetryable)
            #expect(refused.message.contains("message.max.bytes") && refused.message.contains(large.all[0].event.id))
            var events = Events()
            try await publisher.publish(events.add(execution: 0, count: 3))
            #expect(verify(cluster, events) == 0)
            await publisher.close()
            await bus.close()
        }

        @Test("cancelling the task that waits for an absent broker ends the wait")
        func cancellation() async throws {
            let cluster = try MockCluster()
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            try await publisher.publish(events.add(execution: 0, count: 1))
            cluster.setDown()
            let batch = events.add(execution: 0, count: 2)
            let start = ContinuousClock.now
            let waiting = Task { await error { try await publisher.publish(batch) } }
            waiting.cancel()
            #expect(await waiting.value?.code == .closed)
            // The batch's own time is 10 s.
            #expect(ContinuousClock.now - start < .seconds(7))
            await publisher.close()
            await bus.close()
        }

        @Test("brokers that cannot be reached, or speak no TLS, are told by the setting to change")
        func unreachable() async throws {
            var configuration = KafkaBusConfiguration(bootstrap: "127.0.0.1:1")
            configuration.limits.requestTimeout = .seconds(2)
            let nowhere = try KafkaBus(configuration: configuration, logger: quietLogger)
            let refused = try #require(await error { try await nowhere.prepare() })
            #expect(refused.code == .unavailable && "\(refused)".contains("kafka.bootstrap"), "\(refused)")
            await nowhere.close()

            let cluster = try MockCluster()
            configuration.bootstrap = cluster.bootstrap
            configuration.security.transport = .ssl
            let plain = try KafkaBus(configuration: configuration, logger: quietLogger)
            let handshake = try #require(await error { try await plain.prepare() })
            #expect("\(handshake)".contains("kafka.security"), "\(handshake)")
            await plain.close()
        }

        @Test("a missing topic that may not be made, and one with other partitions, are refused with the setting")
        func topics() async throws {
            let cluster = try MockCluster()
            let other = try KafkaBus(configuration: cluster.configuration(partitions: 12), logger: quietLogger)
            let mismatch = try #require(await error { try await other.prepare() })
            #expect(mismatch.code == .configuration && mismatch.message.contains("kafka.partitions"))
            #expect(mismatch.message.contains("3 partitions") && mismatch.message.contains("12"))
            await other.close()

            rd_kafka_mock_topic_set_error(cluster.cluster, Topics.events, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            let bus = try KafkaBus(configuration: cluster.configuration(), logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            let batch = events.add(execution: 0, count: 1)
            for missing in [
                await error { try await bus.prepare() }, await error { try await publisher.publish(batch) },
                await error { _ = try await bus.subscriber.subscribe(SubscriptionOptions(start: .end)) },
            ] {
                #expect(missing?.code == .configuration)
                #expect(missing?.message.contains("kafka.create_topics") == true, "\(String(describing: missing))")
            }
            rd_kafka_mock_topic_set_error(cluster.cluster, Topics.events, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            let denied = await error { try await bus.prepare() }
            #expect(denied?.code == .configuration && denied?.message.contains("kafka.sasl_username") == true)
            // Nothing of it is remembered once it is mended.
            rd_kafka_mock_topic_set_error(cluster.cluster, Topics.events, RD_KAFKA_RESP_ERR_NO_ERROR)
            try await publisher.publish(batch)
            verify(cluster, events)
            await publisher.close()
            await bus.close()
        }
    }
}
