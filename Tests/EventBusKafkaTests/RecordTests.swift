import CRdKafka
import EventBus
import EventBusKafka
import Foundation
import Logging
import Synchronization
import Testing
import WorkflowModel

extension KafkaTests {
    @Suite("Kafka records")
    struct RecordTests {
        /// Kafka's `Utils.murmur2`, written again from its description (MurmurHash2, seed 0x9747b28c).
        static func murmur2(_ text: String) -> Int32 {
            let data = Array(text.utf8)
            let m: UInt32 = 0x5bd1_e995
            var h: UInt32 = 0x9747_b28c ^ UInt32(data.count)
            var index = 0
            while index + 4 <= data.count {
                var k = (0..<4).reduce(UInt32(0)) { $0 | UInt32(data[index + $1]) << UInt32(8 * $1) }
                k = k &* m
                k ^= k >> 24
                k = k &* m
                h = h &* m ^ k
                index += 4
            }
            if index < data.count {
                for rest in (index..<data.count).reversed() { h ^= UInt32(data[rest]) << UInt32(8 * (rest - index)) }
                h = h &* m
            }
            h ^= h >> 13
            h = h &* m
            return Int32(bitPattern: h ^ h >> 15)
        }

        @Test("go to the partitions Java's clients choose")
        func partitions() async throws {
            // From Apache Kafka's UtilsTest.testMurmur2.
            let java: [(String, Int32)] = [
                ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
                ("a-little-bit-longer-string", -1_486_304_829),
                ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
            ]
            for (text, hash) in java { #expect(Self.murmur2(text) == hash, "\(text)") }

            let cluster = try MockCluster(partitions: 12)
            let bus = try KafkaBus(configuration: cluster.configuration(partitions: 12), logger: quietLogger)
            let publisher = try await bus.publisher()
            var events = Events()
            for index in 0..<40 { try await publisher.publish(events.add(execution: index, count: 1)) }
            let records = RawClient(bootstrap: cluster.bootstrap).read(Topics.events, partitions: 12)
            #expect(records.count == 40)
            for record in records {
                #expect(record.partition == (Self.murmur2(record.key) & 0x7fff_ffff) % 12, "\(record.key)")
            }
            #expect(Set(records.map(\.partition)).count > 4)
            await publisher.close()
            await bus.close()
        }

        @Test("have the contract's key, value, time and headers, to the letter")
        func letter() async throws {
            let cluster = try MockCluster()
            var configuration = cluster.configuration()
            configuration.cluster = "köln"
            let bus = try KafkaBus(configuration: configuration, logger: quietLogger)
            let publisher = try await bus.publisher()
            let id = try #require(ExecutionID("01970f3a-7c00-7abc-8def-0123456789c1"))
            var event = EncodedEvent(
                executionID: id, workflow: "größe", sequence: 7, type: "execution_completed",
                time: Timestamp(microseconds: 1_767_607_200_123_456), isFinal: true,
                bytes: Array("{\"a\":\"é\"}".utf8),
                traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            let traced = event
            event.traceparent = nil
            event.isFinal = false
            try await publisher.publish([
                SourcedEvent(position: SourcePosition(rawValue: 1), event: traced),
                SourcedEvent(position: SourcePosition(rawValue: 2), event: event),
            ])
            let records = RawClient(bootstrap: cluster.bootstrap).read(Topics.events, partitions: 3)
            try #require(records.count == 2)
            let record = records[0]
            #expect(record.key == "01970f3a-7c00-7abc-8def-0123456789c1")
            #expect(record.value == Array("{\"a\":\"é\"}".utf8))
            #expect(record.milliseconds == 1_767_607_200_123)
            let common = [
                "ce_specversion: 1.0", "ce_id: 01970f3a-7c00-7abc-8def-0123456789c1:7",
                "ce_source: /stepstream/köln", "ce_type: io.stepstream.execution_completed.v1",
                "ce_subject: 01970f3a-7c00-7abc-8def-0123456789c1", "ce_time: 2026-01-05T10:00:00.123456Z",
                "ce_workflow: größe",
            ]
            #expect(
                record.headers == common + [
                    "ce_final: true", "content-type: application/json",
                    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                ])
            #expect(records[1].headers == common + ["ce_final: false", "content-type: application/json"])
            await publisher.close()
            await bus.close()
        }

        @Test("that are not events are skipped, counted and logged once for each reason")
        func foreign() async throws {
            let cluster = try MockCluster()
            let log = LogRecorder()
            let bus = try KafkaBus(
                configuration: cluster.configuration(), logger: Logger(label: "test") { _ in log.handler })
            let publisher = try await bus.publisher()
            var events = Events()
            try await publisher.publish(events.add(execution: 0, count: 2))
            let id = events.executions[0].description
            let raw = RawClient(bootstrap: cluster.bootstrap)
            let good: [(String, String)] = [
                ("ce_id", "\(id):3"), ("ce_type", "io.stepstream.x.v1"), ("ce_time", "2026-01-05T10:00:00Z"),
                ("ce_workflow", "w"), ("ce_final", "false"),
            ]
            func headers(_ name: String, _ value: String) -> KeyValuePairs<String, String> {
                let changed = good.map { $0.0 == name ? value : $0.1 }
                return [
                    "ce_id": changed[0], "ce_type": changed[1], "ce_time": changed[2], "ce_workflow": changed[3],
                    "ce_final": changed[4],
                ]
            }
            raw.write(Topics.events, key: "not an id")
            raw.write(Topics.events, key: id)
            raw.write(Topics.events, key: id)
            let wrong = [
                ("ce_id", "\(id):"), ("ce_id", "\(id):0"), ("ce_id", "\(id):99999999999999999999"),
                ("ce_id", "01970f3a-7c00-7abc-8def-0123456789c1:3"), ("ce_type", "io.stepstream.v1"),
                ("ce_type", "com.example.x.v1"), ("ce_time", "yesterday"), ("ce_final", "maybe"),
            ]
            for (name, value) in wrong { raw.write(Topics.events, key: id, headers: headers(name, value)) }
            raw.write(Topics.events, key: id, headers: headers("", ""))
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            // The last record that is one may come before the last that is none, from another partition.
            let read = try await subscription.read(3)
            #expect(read.map(\.event.sequence) == [1, 2, 3])
            while bus.statistics.skippedRecords < 3 + wrong.count {
                try await publisher.publish(events.add(execution: 1, count: 1))
                _ = try await subscription.next(limit: 1)
            }
            #expect(bus.statistics.skippedRecords == 3 + wrong.count)
            let warnings = log.messages.filter { $0.contains("not an event") }
            #expect(warnings.count == 5, "\(warnings)")
            await subscription.close()
            await publisher.close()
            await bus.close()
        }
    }
}

/// Keeps what is logged at warning and above.
final class LogRecorder: Sendable {
    private let kept = Mutex<[String]>([])
    var messages: [String] { kept.withLock { $0 } }
    var handler: any LogHandler { Handler(recorder: self) }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.warning
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            recorder.kept.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}
