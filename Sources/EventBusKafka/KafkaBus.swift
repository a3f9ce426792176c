package import EventBus
package import Logging

/// The bus of an installation with a Kafka cluster.
///
/// `init` checks the settings and connects to nothing; a broker that is away later is never a reason to stop.
package final class KafkaBus: Sendable {
    private let context: KafkaContext
    private let topics: TopicDirectory

    /// History over four clients of its own, made when they are needed.
    package let history: KafkaEventHistory

    /// - Throws: `configuration` with every fault at once, each with the setting to change.
    package init(configuration: KafkaBusConfiguration, logger: Logger) throws(BusError) {
        try ClientConfiguration.check(configuration)
        context = try KafkaContext(configuration: configuration, logger: logger)
        topics = TopicDirectory(context: context)
        history = KafkaEventHistory(context: context, topics: topics)
    }

    /// Finds the events topic, or makes it; whoever publishes or subscribes does the same when it is due.
    ///
    /// - Throws: `configuration` for what only other settings can mend: a wrong CA, a refused user, a topic that is
    ///   missing or has other partitions; `unavailable` when no broker answers.
    package func prepare() async throws(BusError) {
        _ = try await topics.partitions(of: context.configuration.topics.events)
    }

    /// A publisher, without a connection yet.
    package func publisher() async throws(BusError) -> KafkaEventPublisher {
        try KafkaEventPublisher(topic: context.configuration.topics.events, context: context, topics: topics)
    }

    /// To the dead-letter topic, over a producer that is open while it publishes.
    package var deadLetters: DeadLetterPublisher {
        let (context, topics) = (context, topics)
        return DeadLetterPublisher { () throws(BusError) in
            try KafkaEventPublisher(topic: context.configuration.topics.deadLetter, context: context, topics: topics)
        }
    }

    package var deadLetterSubscriber: KafkaEventSubscriber {
        KafkaEventSubscriber(context: context, topics: topics, topic: context.configuration.topics.deadLetter)
    }

    package var subscriber: KafkaEventSubscriber {
        KafkaEventSubscriber(context: context, topics: topics, topic: context.configuration.topics.events)
    }

    /// Activity of every orchestrator of the cluster.
    package var activity: any ActivitySubscriber { KafkaActivitySubscriber(subscriber: subscriber) }

    package var statistics: KafkaStatistics { 
        KafkaStatistics(context.open.map(\.standing), contact: context.contact)
    }

    /// Ends every wait with `closed`; publishers and subscriptions are closed by whoever opened them.
    ///
    /// Their `close` waits for the library up to `limits.closeTimeout` each, and then lets it finish alone.
    package func close() async {
        context.close()
        await history.close()
    }
}
