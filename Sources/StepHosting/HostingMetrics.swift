import Metrics
import WorkflowEngine

/// What step hosting counts for `GET /metrics`; every label value is one of a fixed few.
struct HostingMetrics: Sendable {
    private let hosts = Gauge(label: "stepstream_hosting_hosts")
    private let idle = Gauge(label: "stepstream_hosting_hosts_idle")
    private let queued = Gauge(label: "stepstream_hosting_calls_queued")
    private let spawns = Counter(label: "stepstream_hosting_spawns_total")
    private let startFailures = Counter(label: "stepstream_hosting_start_failures_total")
    private let crashes = Counter(label: "stepstream_hosting_crashes_total")
    private let execution = Timer(label: "stepstream_hosting_call_duration_seconds")
    private let queueing = Timer(label: "stepstream_hosting_call_queue_seconds")
    private let completed = Self.verdict("completed")
    /// A step may fail with a code of its own, of which there is no end.
    private let ownCode = Self.verdict("own_code")
    private let failures: [String: Counter] = Dictionary(
        uniqueKeysWithValues: [
            StepErrorCode.failed, StepErrorCode.invalidInput, StepErrorCode.invalidOutput,
            StepErrorCode.outputTooLarge, StepErrorCode.deadline, StepErrorCode.heartbeatLost, StepErrorCode.cancelled,
            StepErrorCode.signal,
            StepErrorCode.exitedEarly, StepErrorCode.protocolViolation, StepErrorCode.hostLost,
            StepErrorCode.functionUnavailable, StepErrorCode.limitExceeded, StepErrorCode.inputTooLarge,
        ].map { ($0, Self.verdict($0)) })

    private let secrets = Dictionary(
        uniqueKeysWithValues: ["given", "not_found", "refused"].map {
            ($0, Counter(label: "stepstream_hosting_secret_requests_total", dimensions: [("answer", $0)]))
        })

    private static func verdict(_ code: String) -> Counter {
        Counter(label: "stepstream_hosting_calls_total", dimensions: [("verdict", code)])
    }

    func ended(_ outcome: StepOutcome) {
        switch outcome.result {
        case .completed: completed.increment()
        case .failed(let error): (failures[error.code] ?? ownCode).increment()
        }
        execution.recordNanoseconds(Int64(outcome.executionMilliseconds * 1e6))
        queueing.recordNanoseconds(Int64(outcome.queuedMilliseconds * 1e6))
    }

    func answered(_ answer: PluginSecrets.Answer) { secrets[answer.name]?.increment() }
    func spawned() { spawns.increment() }
    func startFailed() { startFailures.increment() }
    func crashed() { crashes.increment() }

    func stand(hosts: Int, idle: Int, queued: Int) {
        self.hosts.record(hosts)
        self.idle.record(idle)
        self.queued.record(queued)
    }
}
