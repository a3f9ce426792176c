import BusContract
import EventBus
import EventBusEmbedded
import EventBusKafka
import Foundation
import Logging
import Testing

/// A bus on a cluster, with consumer stores in a directory of its own, as a consumer role has it.
struct KafkaUnderTest: BusUnderTest {
    let publishing: KafkaBus
    let consuming: KafkaBus
    private let stores: EmbeddedBus
    private let directory: URL
    /// Kept as long as the bus.
    private let cluster: MockCluster?

    private let groupSuffix: String

    init(_ configuration: KafkaBusConfiguration, cluster: MockCluster? = nil, groupSuffix: String = "") throws {
        self.cluster = cluster
        self.groupSuffix = groupSuffix
        publishing = try KafkaBus(configuration: configuration, logger: quietLogger)
        consuming = try KafkaBus(configuration: configuration, logger: quietLogger)
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("stepstream-\(UUID().uuidString)")
        stores = try EmbeddedBus(dataDirectory: directory.path, logger: quietLogger)
    }

    func publisher() async throws -> any EventPublisher { try await publishing.publisher() }
    var subscriber: any EventSubscriber { SuffixedSubscriber(base: consuming.subscriber, suffix: groupSuffix) }
    var history: any EventHistory { consuming.history }
    var deadLetters: DeadLetterPublisher { consuming.deadLetters }
    func deadLetterSubscriber() -> any EventSubscriber { publishing.deadLetterSubscriber }
    func consumerStore(named name: String) async throws -> any ConsumerStore {
        try await stores.consumerStore(named: name)
    }

    func close() async {
        await publishing.close()
        await consuming.close()
        await stores.close()
        try? FileManager.default.removeItem(at: directory)
    }
}

/// The contract's groups under names of one run: a broker keeps a group, and its members, longer than a run lasts.
struct SuffixedSubscriber: EventSubscriber {
    let base: KafkaEventSubscriber
    let suffix: String

    func subscribe(_ options: SubscriptionOptions) async throws(BusError) -> any EventSubscription {
        var options = options
        options.group = options.group.map { $0 + suffix }
        return try await base.subscribe(options)
    }
}

let quietLogger: Logger = {
    var logger = Logger(label: "test")
    let level = ProcessInfo.processInfo.environment["STEPSTREAM_TEST_LOG"]
    logger.logLevel = level.flatMap { Logger.Level(rawValue: $0) } ?? .error
    return logger
}()

extension KafkaTests {
    @Suite("the Kafka bus keeps the bus contract")
    struct ContractTests {
        /// `host:port` of a broker; its topics are made by the tests, each with a name of its own.
        static let broker = ProcessInfo.processInfo.environment["STEPSTREAM_TEST_KAFKA"]

        /// Restarts a group's member some twenty times; the mock makes each wait three seconds and more, a broker none.
        /// It runs over the broker of `STEPSTREAM_TEST_KAFKA`.
        static let tooSlowOnMock = "effects kept with their positions are counted once over any number of restarts"

        @Test("over the mock cluster", arguments: BusContract.cases.filter { $0.name != tooSlowOnMock })
        func overMock(_ contract: BusContract) async throws {
            try await run(contract) {
                let cluster = try MockCluster()
                return try KafkaUnderTest(cluster.configuration(), cluster: cluster)
            }
        }

        @Test(
            "over a real broker", .enabled(if: broker != nil, "STEPSTREAM_TEST_KAFKA names none"),
            arguments: BusContract.cases)
        func overBroker(_ contract: BusContract) async throws {
            try await run(contract) {
                var configuration = KafkaBusConfiguration(bootstrap: Self.broker ?? "")
                configuration.topics.events = "stepstream.test.\(UUID().uuidString)"
                configuration.topics.activity = configuration.topics.events + ".activity"
                configuration.topics.deadLetter = configuration.topics.events + ".dead"
                configuration.memberName = "contract"
                return try KafkaUnderTest(configuration, groupSuffix: "-\(UUID().uuidString)")
            }
        }

        private func run(_ contract: BusContract, on make: () async throws -> any BusUnderTest) async throws {
            let seed = UInt64.random(in: .min ... .max)
            do { try await contract.run(seed: seed, on: make) } catch {
                Issue.record("\(contract.name): \(error) (seed \(seed))")
            }
        }
    }
}
