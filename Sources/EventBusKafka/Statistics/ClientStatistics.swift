import WorkflowModel

/// The few figures of librdkafka's statistics that somebody reads (its STATISTICS.md).
struct ClientStatistics: Hashable, Sendable {
    var brokersUp = 0
    var brokersKnown = 0
    /// Connections to brokers that were lost.
    var disconnects = 0
    var roundTripMilliseconds = 0.0
    var queuedRecords = 0
    /// Of the partitions a group's member has, not committed yet.
    var uncommittedRecords = 0

    init() {}

    /// nil for what is not such a report.
    init?(json: UnsafeBufferPointer<CChar>) {
        let bytes = json.map(UInt8.init(bitPattern:))
        guard let value = try? JSONValue(parsing: bytes), let root = value.objectValue else { return nil }
        var isBootstrapUp = false
        for (_, broker) in root["brokers"]?.objectValue ?? JSONObject([]) {
            let isUp = broker["state"]?.stringValue == "UP"
            // The addresses of kafka.bootstrap have -1: the brokers behind them are listed again by their number.
            guard broker["nodeid"]?.intValue ?? -1 >= 0 else {
                isBootstrapUp = isBootstrapUp || isUp
                continue
            }
            brokersKnown += 1
            if isUp { brokersUp += 1 }
            disconnects += Int(broker["disconnects"]?.intValue ?? 0)
            let microseconds = broker["rtt"]?["avg"]?.doubleValue ?? 0
            roundTripMilliseconds = max(roundTripMilliseconds, microseconds / 1000)
        }
        // An idle client stays with the address it came by: that is a connection to one of the brokers.
        if brokersUp == 0, isBootstrapUp { brokersUp = 1 }
        queuedRecords = Int(root["msg_cnt"]?.intValue ?? 0)
        for (_, topic) in root["topics"]?.objectValue ?? JSONObject([]) {
            for (_, partition) in topic["partitions"]?.objectValue ?? JSONObject([]) {
                // -1 where there is no lag to speak of.
                uncommittedRecords += max(0, Int(partition["consumer_lag"]?.intValue ?? 0))
            }
        }
    }
}
