import Logging
import NIOPosix
import StepABI
import Synchronization
import WorkflowEngine
import WorkflowModel

/// Carries out what `FleetStateMachine` decides: starts hosts, hands them calls, resumes callers.
final class Fleet: Sendable {
    /// How a call came out of the fleet.
    enum Ending: Sendable {
        case ended(CallEnd, queuedNanoseconds: Int64)
        case refused(FleetStateMachine.Refusal, queuedNanoseconds: Int64)
        /// Taken back while it waited for a host.
        case withdrawn(queuedNanoseconds: Int64)
    }

    struct PendingCall {
        var call: StepCall
        var heartbeatTimeout: Duration?
        var continuation: CheckedContinuation<Ending, Never>
        var submittedAt: MonotonicNanoseconds
        var startedAt: MonotonicNanoseconds?
        var isCancelled = false
        var activityCount = 0
        /// Whether the plugin's file is the one that its secrets were granted to.
        var ownsSecrets: Bool
    }

    struct Shared {
        var machine: FleetStateMachine
        var calls: [UInt64: PendingCall] = [:]
        var hosts: [UInt64: HostProcess] = [:]
        var nextCall: UInt64 = 1
        var statistics = HostingStatistics()
        /// What holds the hosts of each build, by its hash: as the last one that loaded it said.
        var confinements: [String: Confinement] = [:]
        /// How often each build may cause a line in the log.
        var logRates: [String: LogRateLimiter] = [:]
        /// Resumed when the last host is gone.
        var stopped: [CheckedContinuation<Void, Never>] = []
    }

    /// The wait for a host to start grows to 16 times the configured one.
    static let helloDoublingsMax = 4

    /// How many calls a host does between two looks at its memory.
    static let memoryCheckInterval = 64

    let configuration: HostingConfiguration
    private let spawner: HostSpawner
    private let reactor: Reactor
    let metrics: HostingMetrics
    let logger: Logger
    let activity: @Sendable (StepActivity) -> Void
    /// Where activity is handed on.
    let activities: ActivityQueue
    /// Where files and other processes are looked at.
    let threads: NIOThreadPool
    private let pluginPath: @Sendable (String) -> String
    private let traces: CallTraces
    let shared: Mutex<Shared>

    /// - Parameter pluginPath: the stored file of a content hash.
    init(
        configuration: HostingConfiguration, spawner: HostSpawner, reactor: Reactor, metrics: HostingMetrics,
        traces: CallTraces, logger: Logger, threads: NIOThreadPool,
        pluginPath: @escaping @Sendable (String) -> String, activity: @escaping @Sendable (StepActivity) -> Void
    ) {
        self.configuration = configuration
        self.spawner = spawner
        self.reactor = reactor
        self.metrics = metrics
        self.traces = traces
        self.logger = logger
        self.pluginPath = pluginPath
        self.activity = activity
        self.threads = threads
        activities = ActivityQueue(threads: threads)
        shared = Mutex(Shared(machine: FleetStateMachine(settings: FleetStateMachine.Settings(configuration))))
    }

    // MARK: Calls

    /// Runs the call to its end. Cancelling the task takes the call back, or tells its step to stop.
    ///
    /// - Parameters:
    ///   - heartbeatTimeout: how long the step may go without a heartbeat; nil: until its own timeout.
    ///   - ownsSecrets: whether the plugin's file is the one that its secrets were granted to.
    func run(_ call: StepCall, heartbeatTimeout: Duration?, ownsSecrets: Bool) async -> Ending {
        let id = shared.withLock { shared in
            defer { shared.nextCall += 1 }
            return shared.nextCall
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = MonotonicTime.now
                perform { shared in
                    shared.calls[id] = PendingCall(
                        call: call, heartbeatTimeout: heartbeatTimeout, continuation: continuation, submittedAt: now,
                        ownsSecrets: ownsSecrets)
                    return shared.machine.submit(id, hash: call.pluginHash, now: now)
                }
                // The handler may have come before there was a call to cancel.
                if Task.isCancelled { cancel(id) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func cancel(_ id: UInt64) {
        let (withdrawn, host): (PendingCall?, HostProcess?) = shared.withLock { shared in
            guard let pending = shared.calls[id] else { return (nil, nil) }
            if shared.machine.withdraw(id, hash: pending.call.pluginHash) {
                return (shared.calls.removeValue(forKey: id), nil)
            }
            shared.calls[id]?.isCancelled = true
            return (nil, shared.hosts.values.first { shared.machine.call(of: $0.id) == id })
        }
        if let withdrawn {
            withdrawn.continuation.resume(
                returning: .withdrawn(queuedNanoseconds: MonotonicTime.now - withdrawn.submittedAt))
        }
        host?.cancel(id, reason: .requested)
    }

    // MARK: The whole

    /// Names the builds that are offered now.
    func setCurrent(_ hashes: Set<String>) {
        perform { $0.machine.setCurrent(hashes, now: MonotonicTime.now) }
    }

    /// Closes hosts that had nothing to do for long, looks at what the others use, and forgets builds that are gone.
    func trim() {
        perform { shared in
            let actions = shared.machine.trim(now: MonotonicTime.now)
            shared.confinements = shared.confinements.filter { shared.machine.knows($0.key) }
            shared.logRates = shared.logRates.filter { shared.machine.knows($0.key) }
            return actions
        }
        // Those with a call are looked at more often, each by a timer of its own.
        for host in shared.withLock({ Array($0.hosts.values) }) { inspect(host) }
    }

    /// What holds the hosts of the build; nil until one of them has loaded it.
    func confinement(of hash: String) -> Confinement? { shared.withLock { $0.confinements[hash] } }

    /// Refuses what waits, stops what runs, and returns when every process is gone and collected.
    func stop() async {
        await withCheckedContinuation { continuation in
            let isDone = perform { shared in
                let actions = shared.machine.stop()
                if shared.machine.hostCount > 0 { shared.stopped.append(continuation) }
                return actions
            }
            if isDone { continuation.resume() }
        }
    }

    var statistics: HostingStatistics {
        shared.withLock { shared in
            var statistics = shared.statistics
            statistics.hosts = shared.machine.hostCount
            statistics.hostsIdle = shared.machine.idleCount
            statistics.callsQueued = shared.machine.queuedCount
            statistics.fault = shared.machine.fault
            statistics.processIDs = shared.hosts.values.map(\.descriptors.process).sorted()
            return statistics
        }
    }

    /// A process that the machine did not give to somebody else than the pools.
    func noteStartFailure(_ reason: String) {
        logger.warning("step host not started", metadata: ["reason": "\(reason)"])
        countStartFailure()
    }

    func countStartFailure() {
        metrics.startFailed()
        shared.withLock { $0.statistics.startFailures += 1 }
    }

    // MARK: Carrying out

    private enum Work {
        case deliver(UInt64, StepCall, heartbeatTimeout: Duration?, HostProcess)
        case spawn(UInt64, hash: String, startFaultCount: Int)
        case retire(HostProcess)
        case wake(at: MonotonicNanoseconds)
        case resume(CheckedContinuation<Ending, Never>, Ending)
    }

    /// Decides under the lock and acts after it; true when the fleet has stopped and nothing is left.
    @discardableResult
    func perform(_ decide: (inout Shared) -> [FleetStateMachine.Action]) -> Bool {
        let (work, isDone) = shared.withLock { shared in
            let actions = decide(&shared)
            metrics.stand(
                hosts: shared.machine.hostCount, idle: shared.machine.idleCount, queued: shared.machine.queuedCount)
            return (translate(actions, &shared), shared.machine.isStopping && shared.machine.hostCount == 0)
        }
        for item in work { carryOut(item) }
        return isDone
    }

    private func translate(_ actions: [FleetStateMachine.Action], _ shared: inout Shared) -> [Work] {
        actions.compactMap { action in
            switch action {
            case .assign(let call, let host):
                guard let process = shared.hosts[host], let pending = shared.calls[call] else { return nil }
                shared.calls[call]?.startedAt = MonotonicTime.now
                shared.statistics.callsStarted += 1
                return .deliver(call, pending.call, heartbeatTimeout: pending.heartbeatTimeout, process)
            case .spawn(let host, let hash):
                shared.statistics.spawns += 1
                metrics.spawned()
                return .spawn(host, hash: hash, startFaultCount: shared.machine.startFaultCount)
            case .retire(let host): return shared.hosts[host].map { .retire($0) }
            case .wake(let at): return .wake(at: at)
            case .refuse(let call, let refusal):
                guard let pending = shared.calls.removeValue(forKey: call) else { return nil }
                shared.statistics.callsFailed += 1
                let queued = MonotonicTime.now - pending.submittedAt
                return .resume(pending.continuation, .refused(refusal, queuedNanoseconds: queued))
            }
        }
    }

    private func carryOut(_ work: Work) {
        switch work {
        case .deliver(let id, let call, let heartbeatTimeout, let host):
            traces.began(call)
            guard host.begin(id, call, heartbeatTimeout: heartbeatTimeout) else {
                perform { $0.machine.undelivered(id, by: host.id, now: MonotonicTime.now) }
                return
            }
            // A cancellation may have come between the assignment and the delivery.
            if shared.withLock({ $0.calls[id]?.isCancelled ?? false }) { host.cancel(id, reason: .requested) }
        case .spawn(let host, let hash, let startFaultCount): spawn(host, hash, startFaultCount)
        case .retire(let host): host.retire()
        case .wake(let at):
            Task { [weak self] in
                // The clock that `MonotonicTime` reads: it stands still while the machine sleeps.
                try? await SuspendingClock().sleep(for: .nanoseconds(max(0, at - MonotonicTime.now)))
                self?.perform { $0.machine.retry(now: MonotonicTime.now) }
            }
        case .resume(let continuation, let ending): continuation.resume(returning: ending)
        }
    }

    private func spawn(_ id: UInt64, _ hash: String, _ startFaultCount: Int) {
        var patient = HostStateMachine.Settings(configuration, pluginPath: pluginPath(hash))
        // A machine that is slow today must not end every host before it is there.
        patient.helloTimeout <<= Int64(min(startFaultCount, Self.helloDoublingsMax))
        let settings = patient
        spawner.spawn { result in
            switch result {
            case .success(let descriptors):
                let host = HostProcess(
                    id: id, descriptors: descriptors, settings: settings,
                    tailBytesMax: self.configuration.limits.outputTailBytesMax, reactor: self.reactor, owner: self)
                let isStopping = self.shared.withLock { shared in
                    shared.hosts[id] = host
                    return shared.machine.isStopping
                }
                self.reactor.add(host)
                if isStopping { host.retire() }
            case .failure(let failure):
                self.lost(id, .spawnFailed(failure.message), call: nil, diagnostics: nil)
            }
        }
    }
}
