import EventBus
import WorkflowModel

/// librdkafka's properties for each kind of client, as pure lists: later entries win.
enum ClientProperties {
    struct Property: Hashable, Sendable {
        var name: String
        var value: String
        init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    enum Role: Hashable, Sendable {
        /// Lifecycle events: nothing lost, nothing out of order.
        case events
        /// Activity: may drop, never waits.
        case activity
        /// A member of a consumer group.
        case member(group: String)
        /// Follows partitions it chooses itself, without a gap.
        case follower
        /// Looks for records in partitions it chooses itself.
        case reader
        /// Asks about topics and makes them.
        case admin
    }

    /// What the room's promises stand on; `kafka.properties` may not change it.
    static let reserved: Set = [
        "enable.idempotence", "acks", "request.required.acks", "enable.gapless.guarantee", "transactional.id",
        "partitioner", "max.in.flight", "max.in.flight.requests.per.connection", "message.timeout.ms",
        "delivery.timeout.ms", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset", "group.id",
        "group.instance.id", "partition.assignment.strategy", "enable.partition.eof", "allow.auto.create.topics",
        "bootstrap.servers", "metadata.broker.list", "log.queue", "delivery.report.only.error",
    ]

    /// The setting of ours behind a property.
    static func setting(for property: String) -> String {
        switch property {
        case "bootstrap.servers": "kafka.bootstrap"
        case "security.protocol": "kafka.security"
        case "ssl.ca.location": "kafka.tls_ca"
        case "ssl.certificate.location": "kafka.tls_certificate"
        case "ssl.key.location": "kafka.tls_key"
        case "sasl.mechanism": "kafka.sasl_mechanism"
        case "sasl.username": "kafka.sasl_username"
        case "sasl.password": "kafka.sasl_password"
        default: "kafka.properties"
        }
    }

    static func isSecret(_ property: String) -> Bool {
        ["password", "secret", "key.pem", "oauthbearer.config", "token"].contains { property.contains($0) }
    }

    /// What every client gets, last the raw properties.
    static func common(_ configuration: KafkaBusConfiguration) -> [Property] {
        let limits = configuration.limits
        var properties = [
            Property("bootstrap.servers", configuration.bootstrap),
            // At most 32 characters: some brokers' quotas and 2.0.2's own logs cut or refuse longer ones.
            Property("client.id", "stepstream"),
            Property("socket.nagle.disable", "true"),
            Property("reconnect.backoff.ms", "50"),
            Property("reconnect.backoff.max.ms", "1000"),
            Property("socket.timeout.ms", milliseconds(limits.requestTimeout)),
            Property("statistics.interval.ms", milliseconds(limits.statisticsInterval)),
            // A producer's own question for a topic's metadata would make a lost topic, with the broker's partitions.
            Property("allow.auto.create.topics", "false"),
            Property("log.queue", "true"),
        ]
        let security = configuration.security
        properties.append(Property("security.protocol", security.transport.rawValue))
        let optional = [
            ("ssl.ca.location", security.caPath), ("ssl.certificate.location", security.certificatePath),
            ("ssl.key.location", security.keyPath), ("sasl.mechanism", security.mechanism),
            ("sasl.username", security.username), ("sasl.password", security.password?.value),
        ]
        properties += optional.compactMap { name, value in value.map { Property(name, $0) } }
        return properties + configuration.properties.sorted { $0.key < $1.key }.map { Property($0.key, $0.value) }
    }

    static func all(_ role: Role, _ configuration: KafkaBusConfiguration) -> [Property] {
        let limits = configuration.limits
        switch role {
        case .events:
            return [
                Property("enable.idempotence", "true"), Property("acks", "all"), Property("linger.ms", "0"),
                Property("compression.type", "lz4"), Property("partitioner", "murmur2_random"),
                Property("queue.buffering.max.messages", "\(limits.queuedRecordsMax)"),
                Property("queue.buffering.max.kbytes", "\(64 << 10)"),
                Property("message.timeout.ms", milliseconds(limits.publishTimeout)),
                Property("retry.backoff.ms", "100"),
            ] + common(configuration)
        case .activity:
            return [
                Property("acks", "1"), Property("linger.ms", "5"), Property("compression.type", "lz4"),
                Property("partitioner", "murmur2_random"), Property("queue.buffering.max.messages", "1000"),
                Property("queue.buffering.max.kbytes", "\(4 << 10)"), Property("message.timeout.ms", "5000"),
                Property("delivery.report.only.error", "true"),
            ] + common(configuration)
        case .member(let group):
            var properties = consumer(configuration) + [
                Property("group.id", group), Property("partition.assignment.strategy", "range"),
                Property("session.timeout.ms", "20000"), Property("heartbeat.interval.ms", "3000"),
                // A consumer that is busy for longer is replaced, and begins behind its last commit.
                Property("max.poll.interval.ms", "600000"),
            ]
            if let name = configuration.memberName {
                properties.append(Property("group.instance.id", "\(name)-\(group)"))
            }
            return properties + common(configuration)
        case .follower:
            // A place that is gone is an error: beginning elsewhere by itself could leave records out.
            return consumer(configuration) + [Property("auto.offset.reset", "error")] + common(configuration)
        case .reader: return consumer(configuration) + common(configuration)
        // The first client of a bus, and short-lived: it hears which features the broker's versions leave.
        case .admin: return [Property("debug", "feature")] + consumer(configuration) + common(configuration)
        }
    }

    private static func consumer(_ configuration: KafkaBusConfiguration) -> [Property] {
        [
            Property("enable.auto.commit", "false"), Property("enable.auto.offset.store", "false"),
            Property("auto.offset.reset", "earliest"), Property("enable.partition.eof", "false"),
            Property("fetch.error.backoff.ms", "100"),
            // Enough ahead to hide a round trip, little enough that a slow consumer holds back nobody's memory.
            Property("queued.min.messages", "2000"),
            Property("queued.max.messages.kbytes", "\(max(1, configuration.limits.fetchedBytesMax >> 10))"),
            Property("fetch.message.max.bytes", "\(1 << 20)"),
        ]
    }

    static func milliseconds(_ duration: Duration) -> String { "\(duration.microseconds / 1000)" }
}
