package import EventBus
package import Logging
import Synchronization

/// The bus of one machine: a topic file in the data directory, shared by every process that opens it.
///
/// A role that publishes calls `publisher()`; its own subscribers are then served from memory. A role that only
/// consumes uses the rest; it may start before there is anything to consume.
package final class EmbeddedBus: Sendable {
    private let dataDirectory: String
    private let topic: EmbeddedTopic
    private let fanOut = ActivityFanOut()
    private let configuration: EmbeddedBusConfiguration
    private let logger: Logger
    /// Opened by whoever first gives up on something, or reads what others gave up on.
    private let deadLetterTopic = Mutex<EmbeddedTopic?>(nil)

    /// Opens nothing yet but threads: files appear with the first publisher, group or store.
    package init(
        dataDirectory: String, configuration: EmbeddedBusConfiguration = EmbeddedBusConfiguration(), logger: Logger
    ) throws(BusError) {
        self.dataDirectory = dataDirectory
        self.configuration = configuration
        self.logger = logger
        topic = try EmbeddedTopic(
            paths: TopicPaths(dataDirectory: dataDirectory, name: Topics.events), configuration: configuration,
            logger: logger)
    }

    /// False until a publisher has created the event topic.
    package var hasTopic: Bool { Posix.hasContent(topic.paths.database) }

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

    /// To the dead-letter topic; `publisherTaken` while another process publishes there.
    package var deadLetters: DeadLetterPublisher {
        DeadLetterPublisher { () throws(BusError) in
            try await EmbeddedEventPublisher.open(topic: try self.openDeadLetters(), activity: ActivityFanOut())
        }
    }

    package func deadLetterSubscriber() throws(BusError) -> EmbeddedEventSubscriber {
        EmbeddedEventSubscriber(topic: try openDeadLetters(), dataDirectory: dataDirectory)
    }

    private func openDeadLetters() throws(BusError) -> EmbeddedTopic {
        let result = deadLetterTopic.withLock { open -> Result<EmbeddedTopic, BusError> in
            if let open { return .success(open) }
            do throws(BusError) {
                let made = try EmbeddedTopic(
                    paths: TopicPaths(dataDirectory: dataDirectory, name: Topics.deadLetter),
                    configuration: configuration, logger: logger)
                open = made
                return .success(made)
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    package func consumerStore(named name: String) async throws(BusError) -> SQLiteConsumerStore {
        try await SQLiteConsumerStore.open(name: name, dataDirectory: dataDirectory)
    }

    /// Ends what this process shares; publishers, subscriptions and stores are closed by whoever opened them.
    package func close() async {
        await topic.close()
        await deadLetterTopic.withLock { $0 }?.close()
        fanOut.close()
    }
}
