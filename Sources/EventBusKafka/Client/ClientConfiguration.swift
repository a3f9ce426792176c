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
        require(!configuration.bootstrap.isEmpty, "kafka.bootstrap: no broker is named; give HOST:PORT")
        require(
            (1...10_000).contains(configuration.partitions),
            "kafka.partitions: \(configuration.partitions) is not 1 to 10000")
        if let replication = configuration.replication {
            require((1...100).contains(replication), "kafka.replication: \(replication) is not 1 to 100")
        }
        if let retention = configuration.retention {
            require(retention >= .seconds(1), "kafka.retention: less than a second; give 1s or more")
        }
        for name in configuration.properties.keys.sorted() where ClientProperties.reserved.contains(name) {
            faults.append("kafka.properties: \(name) is fixed, the event contract stands on it")
        }
        if let client = configuration.properties["client.id"] {
            require(client.utf8.count <= 32, "kafka.properties: client.id has more than 32 characters")
        }
        if !configuration.cluster.utf8.allSatisfy(Self.isPathByte) || configuration.cluster.isEmpty {
            faults.append("kafka.cluster: it is part of a URI in ce_source; use letters, digits and - . _ ~ / : @")
        }
        return faults + securityFaults(configuration)
    }

    /// Whether the byte can stand unescaped in the path of an IRI (RFC 3987): a letter or digit of any alphabet, or one
    /// of the ASCII characters that neither separate anything nor need an escape.
    private static func isPathByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: byte >= 0x80 || "-._~/:@".utf8.contains(byte)
        }
    }

    private static func securityFaults(_ configuration: KafkaBusConfiguration) -> [String] {
        typealias Transport = KafkaBusConfiguration.Security.TransportProtocol
        let security = configuration.security
        // The raw property wins.
        let chosen = configuration.properties["security.protocol"] ?? security.transport.rawValue
        let transport = Transport(rawValue: chosen.lowercased()) ?? security.transport
        var faults = unusedFaults(security, transport)
        func require(_ condition: Bool, _ fault: @autoclosure () -> String) { if !condition { faults.append(fault()) } }
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
        guard transport.usesSASL else { return faults }
        let mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
        // Kerberos, for one, is set by raw properties alone.
        guard let mechanism = security.mechanism else {
            require(
                ["sasl.mechanism", "sasl.mechanisms"].contains { configuration.properties[$0] != nil },
                "kafka.sasl_mechanism: kafka.security \(transport.rawValue) needs one of "
                    + mechanisms.joined(separator: ", "))
            return faults
        }
        switch mechanism {
        case "OAUTHBEARER":
            let isBuiltIn = configuration.properties.keys.contains { $0.hasPrefix("sasl.oauthbearer.") }
            require(
                security.oauthToken != nil || isBuiltIn,
                "kafka.sasl_mechanism: OAUTHBEARER needs kafka.oauth_token_file, or sasl.oauthbearer.* in "
                    + "kafka.properties")
        case _ where mechanisms.contains(mechanism):
            require(security.username != nil, "kafka.sasl_username: \(mechanism) needs it")
            require(security.password != nil, "kafka.sasl_password: \(mechanism) needs it")
        default:
            faults.append("kafka.sasl_mechanism: \"\(mechanism)\" is none of \(mechanisms.joined(separator: ", "))")
        }
        return faults
    }

    /// Settings that another one makes useless: whoever gave them believes that they are in force.
    private static func unusedFaults(
        _ security: KafkaBusConfiguration.Security, _ transport: KafkaBusConfiguration.Security.TransportProtocol
    ) -> [String] {
        var faults: [String] = []
        func refuse(_ given: [(name: String, isGiven: Bool)], _ reason: String) {
            let names = given.filter(\.isGiven).map { "kafka.\($0.name)" }
            if !names.isEmpty { faults.append("\(names.joined(separator: ", ")): \(reason)") }
        }
        let login = [("sasl_username", security.username != nil), ("sasl_password", security.password != nil)]
        let token = [("oauth_token_file", security.oauthToken != nil)]
        if !transport.usesTLS {
            refuse(
                [
                    ("tls_ca", security.caPath != nil), ("tls_certificate", security.certificatePath != nil),
                    ("tls_key", security.keyPath != nil),
                ], "not used by kafka.security \(transport.rawValue); set it to ssl or sasl_ssl")
        }
        if !transport.usesSASL {
            refuse(
                [("sasl_mechanism", security.mechanism != nil)] + login + token,
                "not used by kafka.security \(transport.rawValue); set it to sasl_plaintext or sasl_ssl")
        } else if security.mechanism == "OAUTHBEARER" {
            refuse(login, "not used by kafka.sasl_mechanism OAUTHBEARER; leave them out")
        } else {
            refuse(token, "used by kafka.sasl_mechanism OAUTHBEARER alone")
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
