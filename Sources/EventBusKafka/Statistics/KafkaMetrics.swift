import Metrics

/// The bus's metrics, recorded as they happen; connections, queue and lag with each report of the library's statistics.
final class KafkaMetrics: Sendable {
    private let published = Counter(label: "stepstream_bus_published_records_total")
    private let failures = Counter(label: "stepstream_bus_publish_failures_total")
    private let skipped = Counter(label: "stepstream_bus_skipped_records_total")
    private let publish = Timer(label: "stepstream_bus_publish_duration_seconds")
    private let brokers = Gauge(label: "stepstream_bus_brokers_up")
    private let queued = Gauge(label: "stepstream_bus_queued_records")

    func published(_ count: Int, in duration: Duration) {
        published.increment(by: count)
        publish.recordNanoseconds(Int64(duration / .nanoseconds(1)))
    }
    func failed() { failures.increment() }
    func skipped(_ count: Int) { skipped.increment(by: count) }
    func connected(_ brokersUp: Int) { brokers.record(brokersUp) }
    func queued(_ count: Int) { queued.record(count) }
    func lag(_ count: Int, group: String) {
        Gauge(label: "stepstream_bus_consumer_lag_events", dimensions: [("group", group)]).record(count)
    }
}
