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

    private struct PendingCall {
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

    /// Between two tries of a call that found the queue full.
    private static let queuePause = Duration.milliseconds(100)
    private static let queuePauseMax = Duration.seconds(5)

    private struct Shared {
        var machine: FleetStateMachine
        var calls: [UInt64: PendingCall] = [:]
        var hosts: [UInt64: HostProcess] = [:]
        var nextCall: UInt64 = 1
        var statistics = HostingStatistics()
        /// Hosts whose call is over and whose temporary folder is being emptied.
        var emptying: Set<UInt64> = []
        /// What holds the hosts of each build, by its hash: as the last one that loaded it said.
        var confinements: [String: Confinement] = [:]
        /// How often each build may cause a line in the log.
        var logRates: [String: LogRate] = [:]
        /// Resumed when the last host is gone.
        var stopped: [CheckedContinuation<Void, Never>] = []
        /// Calls that wait for room in the queue.
        var heldBackCount = 0
    }

    /// The wait for a host to start grows to 16 times the configured one.
    static let helloDoublingsMax = 4

    /// How many calls a host does between two looks at its memory.
    private static let memoryCheckInterval = 64

    private let configuration: HostingConfiguration
    private let spawner: HostSpawner
    private let reactor: Reactor
    private let metrics: HostingMetrics
    private let logger: Logger
    private let activity: @Sendable (StepActivity) -> Void
    /// Where activity is handed on.
    private let activities: ActivityQueue
    /// Where files and other processes are looked at.
    private let threads: NIOThreadPool
    private let pluginPath: @Sendable (String) -> String
    private let traces: CallTraces
    private let shared: Mutex<Shared>

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
    /// A call that finds the queue full waits outside of it.
    /// - Parameters:
    ///   - heartbeatTimeout: how long the step may go without a heartbeat; nil: until its own timeout.
    ///   - ownsSecrets: whether the plugin's file is the one that its secrets were granted to.
    func run(_ call: StepCall, heartbeatTimeout: Duration?, ownsSecrets: Bool) async -> Ending {
        var ending = await runOnce(call, heartbeatTimeout: heartbeatTimeout, ownsSecrets: ownsSecrets)
        guard case .refused(.queueFull, _) = ending else { return ending }
        shared.withLock { $0.heldBackCount += 1 }
        defer { shared.withLock { $0.heldBackCount -= 1 } }
        let began = MonotonicTime.now
        var pause = Self.queuePause
        while case .refused(.queueFull, _) = ending {
            do { try await Task.sleep(for: pause) } catch {
                return .withdrawn(queuedNanoseconds: MonotonicTime.now - began)
            }
            pause = min(pause * 2, Self.queuePauseMax)
            ending = await runOnce(call, heartbeatTimeout: heartbeatTimeout, ownsSecrets: ownsSecrets)
        }
        return ending
    }

    private func runOnce(
        _ call: StepCall, heartbeatTimeout: Duration?, ownsSecrets: Bool
    ) async -> Ending {
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

    func setCurrent(_ hashes: Set<String>) {
        perform { $0.machine.setCurrent(hashes, now: MonotonicTime.now) }
    }

    func trim() {
        perform { $0.machine.trim(now: MonotonicTime.now) }
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
            statistics.callsHeldBack = shared.heldBackCount
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

    private func countStartFailure() {
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
    private func perform(_ decide: (inout Shared) -> [FleetStateMachine.Action]) -> Bool {
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
                if refusal != .queueFull { shared.statistics.callsFailed += 1 }
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
                try? await Task.sleep(for: .nanoseconds(max(0, at - MonotonicTime.now)))
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

extension Fleet: HostOwner {
    func receive(_ report: HostReport, from host: HostProcess) {
        switch report {
        case .ready(_, let confinement):
            perform { shared in
                if let hash = shared.machine.hash(of: host.id) { shared.confinements[hash] = confinement }
                return shared.machine.ready(host.id, now: MonotonicTime.now)
            }
        case .inspect: inspect(host)
        case .named: break
        case .finished(let end): finished(end, by: host)
        case .activity(let call, let kind): handOn(kind, of: call)
        case .secretRequested(let call, let token, let name): answer(name, token, of: call, on: host)
        case .slow(let call, let entry):
            let (step, suppressed) = shared.withLock { shared in
                shared.statistics.slowEntries += 1
                return (shared.calls[call]?.call.function, Self.admitLine(of: host.id, &shared))
            }
            guard let suppressed else { return }
            logger.warning(
                "plugin misbehaving: an entry did not return within 50 ms",
                metadata: Self.metadata(
                    ["entry": "\(entry)", "function": "\(step?.description ?? "")"], suppressed: suppressed))
        case .counted(let late, let logs):
            shared.withLock { shared in
                shared.statistics.lateCompletions.addSaturating(late)
                shared.statistics.droppedLogs.addSaturating(logs)
            }
        case .died(let death, let call):
            lost(host.id, death, call: call, diagnostics: call == nil ? host.diagnostics() : nil)
        }
    }

    /// Gives the secret, or says why not; both are counted and told to the log, the value never.
    private func answer(_ name: String, _ token: UInt64, of id: UInt64, on host: HostProcess) {
        let (pending, suppressed) = shared.withLock { shared in
            let pending = shared.calls[id]
            return (pending, pending == nil ? nil : Self.admitLine(of: host.id, &shared))
        }
        guard let pending else { return }
        let call = pending.call
        let answer = pending.ownsSecrets
            ? configuration.secrets.answer(to: name, for: call.function.plugin) : PluginSecrets.Answer.refused
        let (status, value, level) = switch answer {
        case .value(let value): (STEP_REPLY_OK, value, Logger.Level.info)
        case .notFound: (STEP_REPLY_NOT_FOUND, [], .notice)
        case .refused: (STEP_REPLY_REFUSED, [], .warning)
        }
        host.reply(id, token: token, status: status, value: value)
        metrics.answered(answer)
        guard let suppressed else { return }
        var metadata: Logger.Metadata = [
            "secret": "\(VisibleText.capped(name, bytesMax: 128))", "plugin": "\(call.function.plugin)",
            "answer": "\(answer.name)", "execution_id": "\(call.execution)", "step": "\(call.path)",
        ]
        if !pending.ownsSecrets {
            metadata["reason"] = "secrets are granted to the file \(call.function.plugin).so and to no other"
        }
        logger.log(level: level, "secret requested", metadata: Self.metadata(metadata, suppressed: suppressed))
    }

    /// Nil when the build has caused too many lines lately; otherwise how many were left out.
    private static func admitLine(of host: UInt64, _ shared: inout Shared) -> Int? {
        guard let hash = shared.machine.hash(of: host) else { return 0 }
        return shared.logRates[hash, default: LogRate()].admit(MonotonicTime.now)
    }

    private static func metadata(_ metadata: Logger.Metadata, suppressed: Int) -> Logger.Metadata {
        guard suppressed > 0 else { return metadata }
        return metadata.merging(["lines_left_out": "\(suppressed)"]) { $1 }
    }

    /// Ends the host if it uses more memory or disk than it may. One look at a time, on a thread that may wait.
    private func inspect(_ host: HostProcess) {
        guard host.beginInspection() else { return }
        let (budget, memoryBytesMax) = (configuration.temporaryBudget, configuration.limits.memoryBytesMax)
        threads.submit { state in
            defer { host.endInspection() }
            guard state == .active else { return }
            let descriptors = host.descriptors
            if host.residentBytes > memoryBytesMax {
                return host.exceeded("more than \(memoryBytesMax) bytes of memory")
            }
            let usage = descriptors.folder.usage(of: descriptors.process, budget: budget)
            if let excess = usage.excess(over: budget) { host.exceeded(excess) }
        }
    }

    /// A host takes its next call with an empty folder, whatever the call before left there: that may be another
    /// execution's.
    private func finished(_ end: CallEnd, by host: HostProcess) {
        guard host.descriptors.folder.isDirty else { return release(end, by: host) }
        shared.withLock { _ = $0.emptying.insert(host.id) }
        threads.submit { _ in
            host.descriptors.folder.empty()
            self.release(end, by: host)
        }
    }

    private func release(_ end: CallEnd, by host: HostProcess) {
        let isWorn = end.call % UInt64(Self.memoryCheckInterval) == 0
            && host.residentBytes > configuration.pool.residentBytesMax
        var settled: (() -> Void)?
        perform { shared in
            shared.emptying.remove(host.id)
            // The host is free before its caller goes on, so that a caller's next call finds it.
            let actions = shared.machine.released(host.id, isWorn: isWorn, now: MonotonicTime.now)
            settled = settle(end, &shared)
            return actions
        }
        settled?()
    }

    /// Counts the call as over; what is returned resumes its caller, once the lock is given back.
    private func settle(_ end: CallEnd, _ shared: inout Shared) -> (@Sendable () -> Void)? {
        guard let pending = shared.calls.removeValue(forKey: end.call) else { return nil }
        if case .completed(let completion) = end.result, completion.status == 0 {
            shared.statistics.callsCompleted += 1
        } else {
            shared.statistics.callsFailed += 1
        }
        let queued = (pending.startedAt ?? pending.submittedAt) - pending.submittedAt
        let resume: @Sendable () -> Void = {
            pending.continuation.resume(returning: .ended(end, queuedNanoseconds: queued))
        }
        // What a step told comes before its end.
        return pending.activityCount == 0 ? resume : { [activities] in activities.afterwards(resume) }
    }

    private func lost(_ host: UInt64, _ death: HostDeath, call end: CallEnd?, diagnostics: String?) {
        var loadFailure: (message: String, isFinal: Bool)?
        var metadata: Logger.Metadata = ["death": "\(death)"]
        let now = MonotonicTime.now
        var settled: (() -> Void)?
        var continuations: [CheckedContinuation<Void, Never>] = []
        perform { shared in
            shared.hosts[host] = nil
            switch death {
            case .killedAtDeadline, .killedWithoutHeartbeat, .killedAfterCancel, .killedBeyondLimit:
                shared.statistics.kills += 1
            case _ where death.isCrash:
                shared.statistics.crashes += 1
                metrics.crashed()
            default: break
            }
            var actions: [FleetStateMachine.Action] = []
            if let end {
                settled = settle(end, &shared)
            } else if shared.emptying.contains(host) {
                // Its call is over; only its folder was still to be emptied.
            } else if let undelivered = shared.machine.call(of: host) {
                actions += shared.machine.undelivered(undelivered, by: host, now: now)
            } else if death != .retired, death.machineFault == nil, shared.machine.isStarting(host) {
                // One that the pool closed before it was ready did not fail to load.
                loadFailure = death.loadFailure(diagnostics)
            }
            actions += shared.machine.lost(
                host, isCrash: death.isCrash, loadFailure: loadFailure, machineFault: death.machineFault, now: now)
            if shared.machine.isStopping && shared.machine.hostCount == 0 {
                continuations = shared.stopped
                shared.stopped = []
            }
            return actions
        }
        settled?()
        for continuation in continuations { continuation.resume() }
        if death.machineFault != nil { countStartFailure() }
        guard death.isCrash || loadFailure != nil || death.machineFault != nil else { return }
        if let text = end?.diagnostics ?? diagnostics { metadata["stderr"] = "\(text.suffix(512))" }
        logger.warning("step host lost", metadata: metadata)
    }

    private func handOn(_ kind: StepActivity.Kind, of id: UInt64) {
        let call: StepCall? = shared.withLock { shared in
            guard let pending = shared.calls[id] else { return nil }
            guard pending.activityCount < configuration.limits.activityPerCallMax else {
                shared.statistics.droppedActivity += 1
                return nil
            }
            shared.calls[id]?.activityCount += 1
            return pending.call
        }
        guard let call else { return }
        let isTaken = activities.offer { [configuration, activity] in
            activity(
                StepActivity(
                    execution: call.execution, workflow: call.workflow, path: call.path, attempt: call.attempt,
                    kind: configuration.secrets.mask(for: call.function.plugin)?.hide(in: kind) ?? kind))
        }
        if !isTaken { shared.withLock { $0.statistics.droppedActivity += 1 } }
    }
}

extension Int {
    /// Adds what a step host counted, which can be any number.
    mutating func addSaturating(_ other: Int) {
        let (sum, isTooMuch) = addingReportingOverflow(other)
        self = isTooMuch ? .max : sum
    }
}
