import CRdKafka
import EventBus
import Glibc

/// Checks properties by librdkafka's own judgement and builds its configuration from them.
enum ClientConfiguration {
    /// A configuration for `rd_kafka_new`, which takes it over.
    /// - Throws: `configuration` naming every property it refuses and the setting behind it.
    static func make(_ properties: [ClientProperties.Property]) throws(BusError) -> OpaquePointer {
        let (built, faults) = build(properties)
        guard faults.isEmpty, let built else {
            if let built { rd_kafka_conf_destroy(built) }
            throw error(faults)
        }
        return built
    }

    /// - Throws: `configuration` with every fault of the whole configuration at once.
    static func check(_ configuration: KafkaBusConfiguration) throws(BusError) {
        var faults = ownFaults(configuration)
        let roles: [ClientProperties.Role] = [.events, .member(group: "group"), .follower]
        for role in roles {
            let (built, found) = build(ClientProperties.all(role, configuration))
            if let built { rd_kafka_conf_destroy(built) }
            for fault in found where !faults.contains(fault) { faults.append(fault) }
        }
        if !faults.isEmpty { throw error(faults) }
    }

    private static func error(_ faults: [String]) -> BusError {
        BusError(.configuration, faults.joined(separator: "; "))
    }

    private static func build(_ properties: [ClientProperties.Property]) -> (OpaquePointer?, faults: [String]) {
        guard let built = rd_kafka_conf_new() else { return (nil, ["librdkafka has no memory"]) }
        var faults: [String] = []
        for property in properties {
            var text = [CChar](repeating: 0, count: 512)
            guard rd_kafka_conf_set(built, property.name, property.value, &text, text.count) != RD_KAFKA_CONF_OK else {
                continue
            }
            let reason =
                ClientProperties.isSecret(property.name)
                ? "\(property.name) has a value that is refused" : String(cText: text)
            faults.append("\(ClientProperties.setting(for: property.name)): \(reason)")
        }
        return (built, faults)
    }

    /// What librdkafka finds out late or never.
    private static func ownFaults(_ configuration: KafkaBusConfiguration) -> [String] {
        var faults: [String] = []
        func require(_ condition: Bool, _ fault: @autoclosure () -> String) { if !condition { faults.append(fault()) } }
        require(!configuration.bootstrap.isEmpty, "kafka.bootstrap: no broker is named")
        require((1...10_000).contains(configuration.partitions), "kafka.partitions: not 1 to 10000")
        if let replication = configuration.replication {
            require((1...100).contains(replication), "kafka.replication: not 1 to 100")
        }
        if let retention = configuration.retention {
            require(retention >= .seconds(1), "kafka.retention: less than a second")
        }
        for name in configuration.properties.keys.sorted() where ClientProperties.reserved.contains(name) {
            faults.append("kafka.properties: \(name) is fixed, the event contract stands on it")
        }
        if let client = configuration.properties["client.id"] {
            require(client.utf8.count <= 32, "kafka.properties: client.id has more than 32 characters")
        }
        let security = configuration.security
        let files = [
            ("kafka.tls_ca", security.caPath), ("kafka.tls_certificate", security.certificatePath),
            ("kafka.tls_key", security.keyPath),
        ]
        for case (let setting, let path?) in files where access(path, R_OK) != 0 {
            faults.append("\(setting): cannot read \(path): \(String(cString: strerror(errno)))")
        }
        require(
            (security.certificatePath == nil) == (security.keyPath == nil),
            "kafka.tls_certificate, kafka.tls_key: one needs the other")
        if security.transport == .saslPlaintext || security.transport == .saslSSL {
            require(
                security.mechanism != nil,
                "kafka.sasl_mechanism: kafka.security \(security.transport.rawValue) needs one")
            if security.mechanism == "OAUTHBEARER" {
                let isBuiltIn = configuration.properties.keys.contains { $0.hasPrefix("sasl.oauthbearer.") }
                require(
                    security.oauthToken != nil || isBuiltIn,
                    "kafka.sasl_mechanism: OAUTHBEARER needs sasl.oauthbearer.* in kafka.properties")
            } else {
                require(security.username != nil, "kafka.sasl_username: missing")
                require(security.password != nil, "kafka.sasl_password: missing")
            }
        }
        return faults
    }
}

extension String {
    /// A C library's answer in a buffer of ours.
    init(cText: [CChar]) {
        self.init(decoding: cText.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
