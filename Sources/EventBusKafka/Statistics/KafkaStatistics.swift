import EventBus

/// How the bus stands, from the library's own statistics (every few seconds) and from what its calls measured.
package struct KafkaStatistics: Sendable {
    package struct Subscription: Hashable, Sendable {
        /// nil for one that sees everything.
        package var group: String?
        /// Events not fetched yet, by partition, as the library knew last.
        package var lagByPartition: [Int: Int]
    }

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
    var client = ClientStatistics()
    var lastError: BusError?
    var published = 0
    var failures = 0
    var latency: LatencyHistogram?
    var skipped = 0
    var subscription: KafkaStatistics.Subscription?
}

extension KafkaStatistics {
    init(_ members: [MemberStatistics]) {
        for member in members {
            brokersUp = max(brokersUp, member.client.brokersUp)
            brokersKnown = max(brokersKnown, member.client.brokersKnown)
            roundTripMilliseconds = max(roundTripMilliseconds, member.client.roundTripMilliseconds)
            queuedRecords += member.client.queuedRecords
            publishedRecords += member.published
            publishFailures += member.failures
            if let latency = member.latency { publishLatency = latency }
            skippedRecords += member.skipped
            if let subscription = member.subscription { subscriptions.append(subscription) }
            if lastError == nil { lastError = member.lastError.map { "\($0)" } }
        }
    }
}
