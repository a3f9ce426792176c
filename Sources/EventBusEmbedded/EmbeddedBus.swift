package import EventBus
package import Logging

/// The bus of one machine: a topic file in the data directory, shared by every process that opens it.
///
/// A role that publishes calls `publisher()`; its own subscribers are then served from memory. A role that only
/// consumes uses the rest; it may start before there is anything to consume.
package final class EmbeddedBus: Sendable {
    private let dataDirectory: String
    private let topic: EmbeddedTopic
    private let fanOut = ActivityFanOut()

    /// Opens nothing yet but threads: files appear with the first publisher, group or store.
    package init(
        dataDirectory: String, configuration: EmbeddedBusConfiguration = EmbeddedBusConfiguration(), logger: Logger
    ) throws(BusError) {
        self.dataDirectory = dataDirectory
        topic = try EmbeddedTopic(
            paths: TopicPaths(dataDirectory: dataDirectory, name: Topics.events), configuration: configuration,
            logger: logger)
    }

    /// Takes the event topic over; `publisherTaken` while another publisher, here or elsewhere, has it.
    package func publisher() async throws(BusError) -> EmbeddedEventPublisher {
        try await EmbeddedEventPublisher.open(topic: topic, activity: fanOut)
    }

    package var subscriber: EmbeddedEventSubscriber {
        EmbeddedEventSubscriber(topic: topic, dataDirectory: dataDirectory)
    }

    package var history: EmbeddedEventHistory { EmbeddedEventHistory(topic: topic) }

    /// Activity of the publisher in this process only.
    package var activity: any ActivitySubscriber { fanOut }

    package func consumerStore(named name: String) async throws(BusError) -> SQLiteConsumerStore {
        try await SQLiteConsumerStore.open(name: name, dataDirectory: dataDirectory)
    }

    /// Ends what this process shares; publishers, subscriptions and stores are closed by whoever opened them.
    package func close() async {
        topic.close()
        fanOut.close()
    }
}
