import Metrics

/// What the notifier counts for `GET /metrics`; channels are named by the settings, so they are few.
struct NotifierMetrics: Sendable {
    private let pending = Gauge(label: "stepstream_notifier_pending_deliveries")
    private let disabled = Gauge(label: "stepstream_notifier_channels_disabled")
    private let events = Counter(label: "stepstream_notifier_events_read_total")
    private let unreadable = Counter(label: "stepstream_notifier_events_unreadable_total")
    private let restarts = Counter(label: "stepstream_notifier_session_restarts_total")

    /// A counter that first appears at 1 has not risen for whoever watches it.
    func begin(_ channel: String) { _ = deadLetters(channel) }

    func stand(pending count: Int, disabled channels: Int) {
        pending.record(count)
        disabled.record(channels)
    }

    func read(_ count: Int) { events.increment(by: count) }
    func foundUnreadable() { unreadable.increment() }
    func restarted() { restarts.increment() }

    func attempted(_ channel: String, _ outcome: DeliveryOutcome) {
        Counter(
            label: "stepstream_notifier_deliveries_total",
            dimensions: [("channel", channel), ("outcome", outcome.label)]
        ).increment()
    }

    func died(_ channel: String) { deadLetters(channel).increment() }

    private func deadLetters(_ channel: String) -> Counter {
        Counter(label: "stepstream_notifier_dead_letters_total", dimensions: [("channel", channel)])
    }

    /// From the moment the event was taken to the acknowledgement.
    func delivered(_ channel: String, after duration: Duration) {
        Timer(label: "stepstream_notifier_delivery_latency", dimensions: [("channel", channel)])
            .recordNanoseconds(max(0, duration.nanoseconds))
    }
}
