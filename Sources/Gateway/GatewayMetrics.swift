import Metrics

/// What the gateway counts for `GET /metrics`; the labels are a fixed few.
struct GatewayMetrics: Sendable {
    private let clients = Gauge(label: "stepstream_gateway_clients")
    private let executions = Gauge(label: "stepstream_gateway_executions")
    private let memory = Gauge(label: "stepstream_gateway_memory_bytes")
    private let scansRunning = Gauge(label: "stepstream_gateway_history_scans_running")
    private let frames = Counter(label: "stepstream_gateway_frames_sent_total")
    private let missing = Counter(label: "stepstream_gateway_missing_announced_total")
    private let scans = Counter(label: "stepstream_gateway_history_scans_total")
    private let scanFailures = Counter(label: "stepstream_gateway_history_scan_failures_total")
    private let interruptions = Counter(label: "stepstream_gateway_subscription_interruptions_total")

    func sent(_ count: Int) { frames.increment(by: count) }
    func announcedMissing() { missing.increment() }
    func scanStarted() { scans.increment() }
    func scanFailed() { scanFailures.increment() }
    func interrupted() { interruptions.increment() }

    func stand(_ statistics: StreamHub.Statistics) {
        clients.record(statistics.clientCount)
        executions.record(statistics.executionCount)
        memory.record(statistics.memoryBytes)
        scansRunning.record(statistics.scanCount)
    }
}
