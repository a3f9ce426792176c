import CRdKafka

/// The features of librdkafka that work with the connected broker. Which ones do depends on the versions of requests that
/// the broker accepts. librdkafka tells it only in its debug log (`debug=feature`), so the log is parsed.
///
/// librdkafka 2.0.2 takes a feature for missing when a broker has dropped an old version of one of its requests, as
/// Kafka 4.0 did (librdkafka#4948). It then goes on with the versions that both know.
struct BrokerFeatures: Hashable, Sendable {
    private var enabled: Set<String> = []
    private var disabled: Set<String> = []
    /// The oldest version of Produce that the broker offers.
    private(set) var oldestProduce: Int?

    /// Takes one line of the library's log.
    mutating func take(_ line: String) {
        if let name = line.after("Enabling feature ") {
            enabled.insert(String(name))
        } else if let name = line.after("Disabling feature ") {
            disabled.insert(String(name))
        } else if let versions = line.after("ApiKey Produce (0) Versions ") {
            oldestProduce = Int(versions.prefix { $0.isNumber })
        }
    }

    /// Newer libraries know some features by several sets of requests, one of which is enough.
    var off: [String] { disabled.subtracting(enabled).sorted() }

    /// Whether batches go uncompressed although `compression.codec` is set. librdkafka before 2.11 compresses only if the
    /// broker accepts version 0 of Produce (librdkafka#4956). Kafka 4 still says that it does, for the sake of these
    /// clients; a proxy in front of it may not.
    func isUncompressed(by version: Int32) -> Bool { version < 0x020b_0000 && (oldestProduce ?? 0) > 0 }

    /// The version of the library that runs, such as 0x020002ff.
    static var libraryVersion: Int32 { rd_kafka_version() }
    static var libraryVersionText: String { String(cString: rd_kafka_version_str()) }
}

extension String {
    fileprivate func after(_ words: String) -> Substring? { firstRange(of: words).map { self[$0.upperBound...] } }
}
