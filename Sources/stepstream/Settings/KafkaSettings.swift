import EventBus
import EventBusKafka
import Logging
import WorkflowModel

/// The settings under `kafka`, checked by the bus as well: it makes no connection yet.
struct KafkaSettings {
    static let keys: Set = [
        "bootstrap", "security", "tls_ca", "tls_certificate", "tls_key", "sasl_mechanism", "sasl_username",
        "sasl_password", "oauth_token_file", "properties", "partitions", "replication", "retention", "create_topics",
        "cluster", "member_name",
    ]

    let source: SettingsSource
    /// What the flag says.
    let bootstrap: String?

    /// Nothing, and a fault, without a broker's address.
    func resolve(into settings: inout Settings, _ faults: inout [String]) {
        let faultCount = faults.count
        let source = source.grouped("kafka", keys: Self.keys, &faults)
        let brokers = brokers(source, &faults)
        if bootstrap == nil, !source.isGiven("bootstrap") {
            faults.append("bus is kafka, and no broker is named; give --kafka-bootstrap HOST:PORT or kafka.bootstrap")
        }
        var kafka = KafkaBusConfiguration(bootstrap: brokers ?? "")
        if let count = number(source, "partitions", &faults) { kafka.partitions = count }
        kafka.replication = number(source, "replication", &faults)
        if let retention = source.text(nil, "retention", &faults) {
            if let duration = Duration(parsing: retention.value) { kafka.retention = duration } else {
                faults.append("\(retention.source) is \"\(retention.value)\"; give a duration such as 36h or 7d")
            }
        }
        if let creates = source.bool("create_topics", &faults) { kafka.createsTopics = creates }
        if let cluster = source.text(nil, "cluster", &faults)?.value { kafka.cluster = cluster }
        if let name = source.text(nil, "member_name", &faults)?.value { kafka.memberName = name }
        kafka.properties = source.pairs("properties", &faults)
        kafka.security = security(source, &faults)
        settings.kafkaTokenFile = source.text(nil, "oauth_token_file", &faults)?.value
        guard brokers != nil else { return }
        settings.kafka = kafka
        guard faults.count == faultCount else { return }
        do throws(BusError) { _ = try KafkaBus(configuration: kafka, logger: Logger(label: "settings")) } catch {
            faults += error.message.split(separator: "; ").map(String.init)
        }
    }

    /// What is given and has no effect would be taken for protection that is not there.
    private func checkUse(
        of security: KafkaBusConfiguration.Security, _ source: SettingsSource, _ faults: inout [String]
    ) {
        let transport = security.transport
        let rules: [(keys: [String], isUsed: Bool, instead: String)] = [
            (
                ["sasl_mechanism", "sasl_username", "sasl_password", "oauth_token_file"],
                transport == .saslPlaintext || transport == .saslSSL, "sasl_ssl or sasl_plaintext"
            ),
            (["tls_ca", "tls_certificate", "tls_key"], transport == .ssl || transport == .saslSSL, "ssl or sasl_ssl"),
        ]
        for rule in rules where !rule.isUsed {
            for key in rule.keys where source.rank(key, isFlag: false) > 0 {
                faults.append(
                    "kafka.\(key) has no effect with kafka.security \(transport.rawValue); give \(rule.instead)")
            }
        }
    }

    /// The brokers' addresses, comma separated and without the white space around each; nil without a single one.
    private func brokers(_ source: SettingsSource, _ faults: inout [String]) -> String? {
        guard let text = source.text(bootstrap, "bootstrap", &faults) else { return nil }
        let brokers = text.value.split(separator: ",", omittingEmptySubsequences: false)
            .map { String($0.trimming(while: \.isWhitespace)) }
        for broker in brokers where !ServerAddress.isHostAndPort(broker) {
            faults.append(
                "\(text.source) has \"\(broker)\"; give each broker as HOST:PORT, the port from 1 to 65535")
        }
        return brokers.joined(separator: ",")
    }

    private func number(_ source: SettingsSource, _ key: String, _ faults: inout [String]) -> Int? {
        guard let text = source.text(nil, key, &faults) else { return nil }
        if let number = Int(text.value) { return number }
        faults.append("\(text.source) is \"\(text.value)\"; give a whole number")
        return nil
    }

    private func security(_ source: SettingsSource, _ faults: inout [String]) -> KafkaBusConfiguration.Security {
        typealias Transport = KafkaBusConfiguration.Security.TransportProtocol
        var security = KafkaBusConfiguration.Security()
        if let text = source.text(nil, "security", &faults) {
            if let transport = Transport(rawValue: text.value.lowercased()) { security.transport = transport } else {
                let names = Transport.allCases.map(\.rawValue).joined(separator: ", ")
                faults.append("\(text.source) is \"\(text.value)\"; give one of: \(names)")
            }
        }
        security.caPath = source.text(nil, "tls_ca", &faults)?.value
        security.certificatePath = source.text(nil, "tls_certificate", &faults)?.value
        security.keyPath = source.text(nil, "tls_key", &faults)?.value
        security.mechanism = source.text(nil, "sasl_mechanism", &faults)?.value.uppercased()
        security.username = source.text(nil, "sasl_username", &faults)?.value
        security.password = (source.text(nil, "sasl_password", &faults)?.value).map { KafkaBusConfiguration.Secret($0) }
        if let file = source.text(nil, "oauth_token_file", &faults) {
            let tokens = TokenFile(path: file.value)
            security.oauthToken = { try tokens.read() }
        }
        checkUse(of: security, source, &faults)
        return security
    }
}

extension KafkaBusConfiguration {
    /// As `--print-config` shows it, its secrets masked.
    func json(tokenFile: String?) -> JSONValue {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        let properties = maskedProperties.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }
        return [
            "bootstrap": .string(bootstrap), "security": .string(security.transport.rawValue),
            "tls_ca": text(security.caPath), "tls_certificate": text(security.certificatePath),
            "tls_key": text(security.keyPath), "sasl_mechanism": text(security.mechanism),
            "oauth_token_file": text(tokenFile), "sasl_username": text(security.username),
            "sasl_password": text(security.password.map { "\($0)" }),
            "properties": .object(JSONObject(properties)), "partitions": .int(Int64(partitions)),
            "replication": replication.map { .int(Int64($0)) } ?? .null,
            "retention_ms": retention.map { .double($0.milliseconds) } ?? .null, "create_topics": .bool(createsTopics),
            "cluster": .string(cluster), "member_name": text(memberName),
        ]
    }
}
