import CRdKafka
import EventBus
import Logging
import Synchronization

/// Finds topics, makes those that are missing where that is allowed, and refuses what the settings contradict.
///
/// No client makes a topic by asking for its metadata (`allow.auto.create.topics` is off for each): the broker would
/// give it partitions of its own choice. Other programs' clients may, so that a topic may stand there with too few
/// partitions before the bus could make it. As long as nothing was ever written to such a topic, whoever publishes adds
/// what is missing. It is not deleted and made again: between the look and the deletion somebody could have written
/// to it.
final class TopicDirectory: Sendable {
    /// How long the activity topic made here keeps what nobody reads twice.
    private static let activityRetention = Duration.seconds(3600)

    private let context: KafkaContext
    /// Partitions of the topics found so far: a topic is looked at once.
    private let known = Mutex<[String: Int]>([:])

    init(context: KafkaContext) { self.context = context }

    /// The topic's partitions, after it was made where it was missing.
    ///
    /// - Parameter grows: whether a topic that was never written to may be given the partitions that it lacks. Only for
    ///   who publishes: a reader with other settings than the publisher's would spoil the topic for it.
    /// - Throws: `configuration` for a missing topic that may not be made and for one with other partitions than the
    ///   settings; `unavailable` when no broker answers; `closed` at once when the task is cancelled.
    func partitions(of topic: String, grows: Bool = false) async throws(BusError) -> Int {
        if let count = known.withLock({ $0[topic] }) { return count }
        if context.isClosed { throw BusError(.closed, "the bus is closed") }
        context.asking()
        let client = try KafkaClient(.admin, context: context)
        let result: Result<Int, BusError>
        do throws(BusError) {
            result = .success(
                try await client.ask { [context] handle throws(BusError) in
                    try Self.find(topic, handle, context, grows: grows)
                })
        } catch {
            let told = KafkaErrors.explained(error, by: client.lastReport.lastError)
            if told.code != .closed { context.contacted(.failed(told)) }
            result = .failure(told)
        }
        if Task.isCancelled {
            // The library may still wait for a broker; it ends behind that, and nobody waits for it.
            Task { await client.close() }
        } else {
            await client.close()
            if case .success = result { context.say(client.lastReport.features) }
        }
        let count = try result.get()
        known.withLock { $0[topic] = count }
        return count
    }

    /// Looks again the next time.
    func forget(_ topic: String) { known.withLock { _ = $0.removeValue(forKey: topic) } }

    private static func find(
        _ topic: String, _ client: OpaquePointer, _ context: KafkaContext, grows: Bool
    ) throws(BusError) -> Int {
        let configuration = context.configuration
        let wanted = configuration.partitions
        let requests = TopicRequests(client, timeout: configuration.limits.requestTimeout)
        let found = try requests.find(topic)
        context.contacted(.answered(brokers: found.brokers))
        var count = found.partitions
        if let few = count, few < wanted, grows, configuration.createsTopics,
            try requests.isUntouched(topic, partitions: few)
        {
            context.logger.warning(
                "a topic that was never written to gets the partitions that it lacks; its retention is the broker's",
                metadata: ["topic": "\(topic)", "partitions": "\(few)", "kafka.partitions": "\(wanted)"])
            try requests.grow(topic, to: wanted)
            count = try requests.waitUntilVisible(topic, partitions: wanted)
        }
        if count == nil {
            guard configuration.createsTopics else {
                throw BusError(
                    .configuration, "topic \(topic) does not exist and kafka.create_topics does not allow to make it")
            }
            try create(topic, requests, configuration)
            count = try requests.waitUntilVisible(topic, partitions: wanted)
        }
        guard let count else { throw BusError(.unavailable, "topic \(topic) was made and is not visible yet") }
        guard count == wanted else {
            throw BusError(
                .configuration,
                "topic \(topic) has \(count) partitions and kafka.partitions says \(wanted): "
                    + "an execution's events would change their partition (set kafka.partitions to \(count), or delete "
                    + "the topic and let it be made again)")
        }
        return count
    }

    private static func create(
        _ topic: String, _ requests: TopicRequests, _ configuration: KafkaBusConfiguration
    ) throws(BusError) {
        var settings = [(name: "cleanup.policy", value: "delete")]
        let retention = topic == configuration.topics.activity ? activityRetention : configuration.retention
        if let retention { settings.append(("retention.ms", ClientProperties.milliseconds(retention))) }
        try requests.create(
            topic, partitions: configuration.partitions, replication: configuration.replication, settings: settings)
    }
}
