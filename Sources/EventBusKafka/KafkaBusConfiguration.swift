import EventBus
import Glibc

/// What an installation can set about the Kafka bus; `KafkaBus.init` checks it whole before anything is connected.
///
/// Its descriptions mask every secret.
package struct KafkaBusConfiguration: Sendable {
    /// `host:port`, comma separated (`kafka.bootstrap`).
    package var bootstrap: String
    package var topics = TopicNames()
    /// Names this installation in `ce_source`.
    package var cluster = "default"
    /// Partitions of the events topic, fixed for its life (`kafka.partitions`).
    package var partitions = 12
    /// Copies of each partition (`kafka.replication`); nil leaves it to the broker.
    package var replication: Int?
    /// How long a topic made here keeps its events (`kafka.retention`); nil leaves it to the broker.
    package var retention: Duration? = .seconds(7 * 86_400)
    /// Whether missing topics are made (`kafka.create_topics`); otherwise a missing topic is an error.
    package var createsTopics = true
    package var security = Security()
    /// Raw librdkafka properties, over everything this room sets but what its promises stand on
    /// (`kafka.properties`).
    package var properties: [String: String] = [:]
    /// Names this member within every group, so that after a crash it goes on at once as the same static member; a
    /// second process of the same name takes its place. nil: an unnamed member, replaced after the session's timeout.
    package var memberName: String? = KafkaBusConfiguration.hostName
    package var limits = Limits()

    package init(bootstrap: String) { self.bootstrap = bootstrap }

    package struct TopicNames: Hashable, Sendable {
        package var events = Topics.events
        package var activity = Topics.activity
        package var deadLetter = Topics.deadLetter
        package init() {}
    }

    package struct Limits: Hashable, Sendable {
        /// Records waiting in the producer; `publish` waits while it is full. The journal is the buffer, not this.
        package var queuedRecordsMax = 4096
        /// Bytes of fetched records a subscription may hold.
        package var fetchedBytesMax = 8 << 20
        /// When an unacknowledged batch fails, retryable.
        package var publishTimeout = Duration.seconds(10)
        /// When a question to the broker fails, retryable.
        package var requestTimeout = Duration.seconds(10)
        /// How long `close` waits for the library; it then lets it finish alone.
        package var closeTimeout = Duration.seconds(5)
        /// Between two reports of the library's statistics.
        package var statisticsInterval = Duration.seconds(5)
        package init() {}
    }

    package struct Security: Sendable {
        package enum TransportProtocol: String, CaseIterable, Sendable {
            case plaintext, ssl
            case saslPlaintext = "sasl_plaintext"
            case saslSSL = "sasl_ssl"

            var usesTLS: Bool { self == .ssl || self == .saslSSL }
            var usesSASL: Bool { self == .saslPlaintext || self == .saslSSL }
        }

        /// `kafka.security`.
        package var transport = TransportProtocol.plaintext
        /// PEM files: `kafka.tls_ca`, `kafka.tls_certificate`, `kafka.tls_key`.
        package var caPath: String?
        package var certificatePath: String?
        package var keyPath: String?
        /// `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER` (`kafka.sasl_mechanism`).
        package var mechanism: String?
        package var username: String?
        package var password: Secret?
        /// Gives tokens for `OAUTHBEARER`, whenever the last one is about to end.
        package var oauthToken: (@Sendable () async throws -> OAuthToken)?
        package init() {}
    }

    /// A bearer token and what the broker is told with it.
    package struct OAuthToken: Sendable {
        package var value: Secret
        package var principal: String
        /// Unix time in milliseconds at which it ends.
        package var expiresAtMilliseconds: Int64
        package init(value: Secret, principal: String, expiresAtMilliseconds: Int64) {
            self.value = value
            self.principal = principal
            self.expiresAtMilliseconds = expiresAtMilliseconds
        }
    }

    /// A text that no description, reflection or log shows.
    package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable,
        ExpressibleByStringLiteral
    {
        package var value: String
        package init(_ value: String) { self.value = value }
        package init(stringLiteral value: String) { self.value = value }
        package var description: String { "***" }
        package var debugDescription: String { "***" }
        package var customMirror: Mirror { Mirror(self, children: []) }
    }

    private static let hostName: String? = {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()
}

extension KafkaBusConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// One `name=value` a line as librdkafka gets them, with secrets masked.
    package var description: String {
        let common = ClientProperties.common(self).map {
            "\($0.name)=\(ClientProperties.isSecret($0.name) ? "***" : $0.value)"
        }
        return (["events=\(topics.events)", "activity=\(topics.activity)", "partitions=\(partitions)"] + common)
            .joined(separator: "\n")
    }

    /// The raw properties, secret values masked.
    package var maskedProperties: [String: String] {
        properties.reduce(into: [:]) { $0[$1.key] = ClientProperties.isSecret($1.key) ? "***" : $1.value }
    }

    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["settings": description]) }
}
