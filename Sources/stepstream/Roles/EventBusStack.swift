import EventBus
import EventBusEmbedded
import EventBusKafka
import Logging
import WebServing
import WorkflowModel

/// The bus the settings name, as the roles see it.
struct EventBusStack: Sendable {
    let subscriber: any EventSubscriber
    let history: any EventHistory
    let deadLetters: DeadLetterPublisher
    private let openPublisher: @Sendable () async throws(BusError) -> any EventPublisher
    private let closeBus: @Sendable () async -> Void
    private let kafka: KafkaBus?
    /// Whether there is a topic to read; one of Kafka is made by whoever reads it.
    let hasTopic: @Sendable () -> Bool
    private let dataDirectory: String

    /// Connects to nothing yet.
    /// - Throws: `BusError` `configuration` with every fault of the settings.
    init(settings: Settings, logger: Logger) throws(BusError) {
        dataDirectory = settings.dataDirectory
        if let configuration = settings.kafka {
            let bus = try KafkaBus(configuration: configuration, logger: logger)
            kafka = bus
            subscriber = bus.subscriber
            history = bus.history
            deadLetters = bus.deadLetters
            openPublisher = { () throws(BusError) in
                let publisher = try await bus.publisher()
                publisher.connect()
                return publisher
            }
            closeBus = { await bus.close() }
            hasTopic = { true }
        } else {
            let bus = try EmbeddedBus(dataDirectory: settings.dataDirectory, logger: logger)
            kafka = nil
            subscriber = bus.subscriber
            history = bus.history
            deadLetters = bus.deadLetters
            openPublisher = { () throws(BusError) in try await bus.publisher() }
            closeBus = { await bus.close() }
            hasTopic = { bus.hasTopic }
        }
    }

    func publisher() async throws(BusError) -> any EventPublisher { try await openPublisher() }

    /// A consumer's own state beside its position, in the data directory whatever the bus is.
    func consumerStore(named name: String) async throws(BusError) -> any ConsumerStore {
        try await SQLiteConsumerStore.open(name: name, dataDirectory: dataDirectory)
    }

    /// A Kafka bus says how it stands; it is never a reason not to be ready, since nothing waits for it. The embedded
    /// one is a file: what is wrong with it the relay and the gateway say.
    func registerHealth(_ registry: HealthRegistry) {
        guard let kafka else { return }
        registry.register("bus") { Self.health(kafka.statistics) }
    }

    func close() async { await closeBus() }

    private static func health(_ statistics: KafkaStatistics) -> PartHealth {
        var values = JSONObject([
            ("brokers_up", .int(Int64(statistics.brokersUp))), ("brokers_known", .int(Int64(statistics.brokersKnown))),
            ("round_trip_ms", .double(statistics.roundTripMilliseconds)),
            ("queued_records", .int(Int64(statistics.queuedRecords))),
            ("skipped_records", .int(Int64(statistics.skippedRecords))),
        ])
        for subscription in statistics.subscriptions {
            let lag = subscription.lagByPartition.sorted { $0.key < $1.key }.map { partition, count in
                (String(partition), JSONValue.int(Int64(count)))
            }
            values["lag_" + (subscription.group ?? "all")] = .object(JSONObject(lag))
        }
        return PartHealth(isHealthy: statistics.fault == nil, detail: statistics.fault, values: values)
    }
}
