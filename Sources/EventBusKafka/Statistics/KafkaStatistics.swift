import EventBus

/// How the bus stands, from the library's own statistics (every few seconds) and from what its calls measured.
package struct KafkaStatistics: Sendable {
    package struct Subscription: Hashable, Sendable {
        /// nil for one that sees everything.
        package var group: String?
        /// Events not fetched yet, by partition, as the library knew last.
        package var lagByPartition: [Int: Int]
    }

    /// 0 as well before any broker has answered.
    package var brokersUp = 0
    package var brokersKnown = 0
    /// Of the slowest broker, averaged.
    package var roundTripMilliseconds = 0.0
    package var queuedRecords = 0
    package var publishedRecords = 0
    package var publishFailures = 0
    package var publishLatency = LatencyHistogram()
    package var skippedRecords = 0
    package var subscriptions: [Subscription] = []
    /// Why the publisher, else a subscription, has no connection or failed last; nil while all is well.
    package var lastError: String?
    /// Nobody publishes or reads, so that nothing is known of the brokers.
    var isUnused = true

    /// Why the bus is not all right; nil when it is.
    package var fault: String? { lastError ?? (brokersUp == 0 && !isUnused ? "no broker is connected yet" : nil) }
}

/// Records by their time from `produce` to the broker's acknowledgement.
package struct LatencyHistogram: Hashable, Sendable {
    /// Upper bounds in microseconds; one more bucket takes the rest.
    package static let boundsMicroseconds: [Int64] = [
        250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
    ]
    package private(set) var counts = [Int](repeating: 0, count: LatencyHistogram.boundsMicroseconds.count + 1)

    mutating func add(microseconds: Int64) {
        counts[Self.boundsMicroseconds.firstIndex { microseconds <= $0 } ?? counts.count - 1] += 1
    }
}

/// What one open publisher or subscription adds to the whole.
struct MemberStatistics: Sendable {
    /// nil before the library's first report.
    var client: ClientStatistics?
    var lastError: BusError?
    var published = 0
    var failures = 0
    var latency: LatencyHistogram?
    var skipped = 0
    var subscription: KafkaStatistics.Subscription?
}

extension KafkaStatistics {
    init(_ members: [MemberStatistics], contact: Contact) {
        isUnused = members.isEmpty
        let reports = members.compactMap(\.client)
        for report in reports {
            brokersUp = max(brokersUp, report.brokersUp)
            brokersKnown = max(brokersKnown, report.brokersKnown)
            roundTripMilliseconds = max(roundTripMilliseconds, report.roundTripMilliseconds)
            queuedRecords += report.queuedRecords
        }
        switch contact {
        case .unused: break
        case .asking: isUnused = false
        case .answered(let count):
            isUnused = false
            // The library's first report comes after seconds; until then one broker is known to be there.
            if reports.isEmpty { (brokersUp, brokersKnown) = (1, count) }
        case .failed(let error):
            isUnused = false
            if reports.isEmpty { lastError = "\(error)" }
        }
        for member in members {
            publishedRecords += member.published
            publishFailures += member.failures
            if let latency = member.latency { publishLatency = latency }
            skippedRecords += member.skipped
            if let subscription = member.subscription { subscriptions.append(subscription) }
            if lastError == nil { lastError = member.lastError.map { "\($0)" } }
        }
    }
}
