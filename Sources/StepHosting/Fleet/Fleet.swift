import Logging
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
        /// Resumed when the last host is gone.
        var stopped: [CheckedContinuation<Void, Never>] = []
        /// Calls that wait for room in the queue.
        var heldBackCount = 0
    }

    /// The wait for a host to start grows to 16 times the configured one.
    static let helloDoublingsMax = 4

    /// Of the secrets a call asks for; a flood of them fills no log.
    private static let secretsLoggedPerCall = 100

    /// How many calls a host does between two looks at its memory.
    private static let memoryCheckInterval = 64

    private let configuration: HostingConfiguration
    private let spawner: HostSpawner
    private let reactor: Reactor
    private let metrics: HostingMetrics
    private let logger: Logger
    private let activity: @Sendable (StepActivity) -> Void
    private let pluginPath: @Sendable (String) -> String
    private let traces: CallTraces
    private let shared: Mutex<Shared>

    /// - Parameter pluginPath: the stored file of a content hash.
    init(
        configuration: HostingConfiguration, spawner: HostSpawner, reactor: Reactor, metrics: HostingMetrics,
        traces: CallTraces, logger: Logger,
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
        shared = Mutex(Shared(machine: FleetStateMachine(settings: FleetStateMachine.Settings(configuration))))
    }

    // MARK: Calls

    /// Runs the call to its end. Cancelling the task takes the call back, or tells its step to stop.
    ///
    /// A call that finds the queue full waits outside of it.
    /// - Parameter heartbeatTimeout: how long the step may go without a heartbeat; nil: until its own timeout.
    func run(_ call: StepCall, heartbeatTimeout: Duration?) async -> Ending {
        var ending = await runOnce(call, heartbeatTimeout: heartbeatTimeout)
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
            ending = await runOnce(call, heartbeatTimeout: heartbeatTimeout)
        }
        return ending
    }

    private func runOnce(_ call: StepCall, heartbeatTimeout: Duration?) async -> Ending {
        let id = shared.withLock { shared in
            defer { shared.nextCall += 1 }
            return shared.nextCall
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = MonotonicTime.now
                perform { shared in
                    shared.calls[id] = PendingCall(
                        call: call, heartbeatTimeout: heartbeatTimeout, continuation: continuation, submittedAt: now)
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

    func trim() { perform { $0.machine.trim(now: MonotonicTime.now) } }

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

    func noteStartFailure() {
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
        case .ready: perform { $0.machine.ready(host.id, now: MonotonicTime.now) }
        case .finished(let end): finished(end, by: host)
        case .activity(let call, let kind): handOn(kind, of: call)
        case .secretRequested(let call, let token, let name, let number):
            answer(name, token, number, of: call, on: host)
        case .slow(let call, let entry):
            let step = shared.withLock { shared in
                shared.statistics.slowEntries += 1
                return shared.calls[call]?.call.function
            }
            logger.warning(
                "plugin misbehaving: an entry did not return within 50 ms",
                metadata: ["entry": "\(entry)", "function": "\(step?.description ?? "")"])
        case .counted(let late, let logs):
            shared.withLock { shared in
                shared.statistics.lateCompletions += late
                shared.statistics.droppedLogs += logs
            }
        case .died(let death, let call):
            lost(host.id, death, call: call, diagnostics: call == nil ? host.diagnostics() : nil)
        }
    }

    /// Gives the secret, or says why not; both are counted and told to the log, the value never.
    private func answer(_ name: String, _ token: UInt64, _ number: Int, of id: UInt64, on host: HostProcess) {
        guard let call = shared.withLock({ $0.calls[id]?.call }) else { return }
        let answer = configuration.secrets.answer(to: name, for: call.function.plugin)
        let (status, value, level) = switch answer {
        case .value(let value): (STEP_REPLY_OK, value, Logger.Level.info)
        case .notFound: (STEP_REPLY_NOT_FOUND, [], .notice)
        case .refused: (STEP_REPLY_REFUSED, [], .warning)
        }
        host.reply(id, token: token, status: status, value: value)
        metrics.answered(answer)
        guard number <= Self.secretsLoggedPerCall else { return }
        logger.log(
            level: level, "secret requested",
            metadata: [
                "secret": "\(name.prefix(128))", "plugin": "\(call.function.plugin)", "answer": "\(answer.name)",
                "execution_id": "\(call.execution)", "step": "\(call.path)",
            ])
    }

    private func finished(_ end: CallEnd, by host: HostProcess) {
        let isWorn = end.call % UInt64(Self.memoryCheckInterval) == 0
            && host.residentBytes > configuration.pool.residentBytesMax
        var settled: (() -> Void)?
        perform { shared in
            // The host is free before its caller goes on, so that a caller's next call finds it.
            let actions = shared.machine.released(host.id, isWorn: isWorn, now: MonotonicTime.now)
            settled = settle(end, &shared)
            return actions
        }
        settled?()
    }

    /// Counts the call as over; what is returned resumes its caller, once the lock is given back.
    private func settle(_ end: CallEnd, _ shared: inout Shared) -> (() -> Void)? {
        guard let pending = shared.calls.removeValue(forKey: end.call) else { return nil }
        if case .completed(let completion) = end.result, completion.status == 0 {
            shared.statistics.callsCompleted += 1
        } else {
            shared.statistics.callsFailed += 1
        }
        let queued = (pending.startedAt ?? pending.submittedAt) - pending.submittedAt
        return { pending.continuation.resume(returning: .ended(end, queuedNanoseconds: queued)) }
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
            case .killedAtDeadline, .killedWithoutHeartbeat, .killedAfterCancel: shared.statistics.kills += 1
            case _ where death.isCrash:
                shared.statistics.crashes += 1
                metrics.crashed()
            default: break
            }
            var actions: [FleetStateMachine.Action] = []
            if let end {
                settled = settle(end, &shared)
            } else if let undelivered = shared.machine.call(of: host) {
                actions += shared.machine.undelivered(undelivered, by: host, now: now)
            } else if shared.machine.isStarting(host), death.machineFault == nil {
                loadFailure = Self.loadFailure(death, diagnostics)
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
        if death.machineFault != nil { noteStartFailure() }
        guard death.isCrash || loadFailure != nil || death.machineFault != nil else { return }
        if let text = end?.diagnostics ?? diagnostics { metadata["stderr"] = "\(text.suffix(512))" }
        logger.warning("step host lost", metadata: metadata)
    }

    private static func loadFailure(_ death: HostDeath, _ diagnostics: String?) -> (message: String, isFinal: Bool) {
        switch death {
        case .loadFailed(_, let message): return (message, true)
        case .unresponsive(let message), .protocolViolation(let message): return (message, false)
        case .signal(let number): return ("loading it ended the step host with \(SignalName.of(number))", false)
        case .exited(let code):
            let line = diagnostics?.split(separator: "\n").last.map { ": \($0)" } ?? ""
            return ("loading it ended the step host with status \(code)\(line)", false)
        case .spawnFailed, .notStarted, .stalled, .killedAtDeadline, .killedWithoutHeartbeat, .killedAfterCancel,
            .retired:
            return ("the step host was stopped", false)
        }
    }

    private func handOn(_ kind: StepActivity.Kind, of id: UInt64) {
        let entry: StepActivity? = shared.withLock { shared in
            guard let pending = shared.calls[id] else { return nil }
            guard pending.activityCount < configuration.limits.activityPerCallMax else {
                shared.statistics.droppedActivity += 1
                return nil
            }
            shared.calls[id]?.activityCount += 1
            let call = pending.call
            return StepActivity(
                execution: call.execution, workflow: call.workflow, path: call.path, attempt: call.attempt,
                kind: configuration.secrets.mask(for: call.function.plugin)?.hide(in: kind) ?? kind)
        }
        if let entry { activity(entry) }
    }
}
