import EventBus
import EventBusKafka
import Testing

extension KafkaTests {
    @Suite("the Kafka bus's settings")
    struct ConfigurationTests {
        private func refusal(_ configuration: KafkaBusConfiguration) -> BusError? {
            do throws(BusError) { _ = try KafkaBus(configuration: configuration, logger: quietLogger) } catch {
                return error
            }
            return nil
        }

        @Test("are refused all at once, each fault with its setting")
        func faults() throws {
            var configuration = KafkaBusConfiguration(bootstrap: "")
            configuration.partitions = 0
            configuration.replication = -1
            configuration.retention = .milliseconds(1)
            configuration.properties = [
                "no.such.property": "1", "queued.min.messages": "soon", "enable.idempotence": "false",
                "client.id": String(repeating: "x", count: 33),
            ]
            configuration.security.transport = .saslSSL
            configuration.security.caPath = "/nonexistent/ca.pem"
            configuration.security.certificatePath = "/etc/hostname"
            configuration.security.mechanism = "PLAIN"
            let error = try #require(refusal(configuration))
            #expect(error.code == .configuration)
            #expect(!error.isRetryable)
            let expected = [
                "kafka.bootstrap:", "kafka.partitions:", "kafka.replication:", "kafka.retention:", "no.such.property",
                "queued.min.messages", "enable.idempotence", "client.id", "kafka.tls_ca:", "/nonexistent/ca.pem",
                "kafka.tls_key:", "kafka.sasl_username:", "kafka.sasl_password:",
            ]
            for word in expected { #expect(error.message.contains(word), "\(word) is not in \(error.message)") }
            #expect(error.message.components(of: "no.such.property") == 1, "told once for each kind of client")
        }

        @Test("that another one makes useless are refused, and not ignored in silence")
        func unused() throws {
            var configuration = KafkaBusConfiguration(bootstrap: "127.0.0.1:1")
            configuration.security.caPath = "/etc/hostname"
            configuration.security.username = "u"
            let plain = try #require(refusal(configuration)).message
            #expect(plain.contains("kafka.tls_ca: not used") && plain.contains("kafka.sasl_username: not used"))
            // What is in force counts.
            configuration.properties["security.protocol"] = "SASL_SSL"
            configuration.security.mechanism = "PLAIN"
            configuration.security.password = "p"
            #expect(refusal(configuration) == nil)
            configuration.security.oauthToken = { throw CancellationError() }
            #expect(refusal(configuration)?.message.contains("kafka.oauth_token_file: used by") == true)
            configuration.security.mechanism = "OAUTHBEARER"
            let names = "kafka.sasl_username, kafka.sasl_password: not used"
            #expect(refusal(configuration)?.message.contains(names) == true)
        }

        @Test("have a mechanism and a cluster that exist")
        func values() throws {
            var configuration = KafkaBusConfiguration(bootstrap: "127.0.0.1:1")
            configuration.cluster = "my cluster"
            configuration.security.transport = .saslPlaintext
            configuration.security.mechanism = "SCRAM"
            let error = try #require(refusal(configuration))
            #expect(error.message.contains("\"SCRAM\" is none of PLAIN, SCRAM-SHA-256"))
            #expect(error.message.contains("kafka.cluster:"))
        }

        @Test("that are right connect to nothing")
        func right() async throws {
            var configuration = KafkaBusConfiguration(bootstrap: "127.0.0.1:1")
            configuration.properties = ["linger.ms": "2", "fetch.wait.max.ms": "100", "client.id": "mine"]
            #expect(refusal(configuration) == nil)
        }

        @Test("show no secret, however they are shown")
        func secrets() throws {
            var configuration = KafkaBusConfiguration(bootstrap: "127.0.0.1:1")
            configuration.security.transport = .saslPlaintext
            configuration.security.mechanism = "SCRAM-SHA-256"
            configuration.security.username = "visible-user"
            configuration.security.password = "hidden-1"
            configuration.properties = ["ssl.key.password": "hidden-2", "sasl.oauthbearer.config": "hidden-3"]
            var dumped = ""
            dump(configuration, to: &dumped)
            dump(configuration.security, to: &dumped)
            let shown =
                "\(configuration) \(String(reflecting: configuration)) \(configuration.security) "
                + "\(String(reflecting: configuration.security)) \(dumped)"
            #expect(!shown.contains("hidden"))
            #expect(shown.contains("visible-user"))
            // What is refused is not shown either.
            configuration.properties["sasl.oauthbearer.client.secret.x"] = "hidden-4"
            let error = try #require(refusal(configuration))
            #expect(error.message.contains("sasl.oauthbearer.client.secret.x"))
            #expect(!"\(error)".contains("hidden"))
        }
    }
}

extension String {
    fileprivate func components(of word: String) -> Int { ranges(of: word).count }
}
