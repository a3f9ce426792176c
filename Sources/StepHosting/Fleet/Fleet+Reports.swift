import Logging
import NIOPosix
import StepABI
import Synchronization
import WorkflowEngine
import WorkflowModel

/// What step hosts report.
extension Fleet: HostOwner {
    func receive(_ report: HostReport, from host: HostProcess) {
        switch report {
        case .greeted: perform { $0.machine.greeted(host.id, now: MonotonicTime.now) }
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
        return shared.logRates[hash, default: LogRateLimiter()].admit(MonotonicTime.now)
    }

    private static func metadata(_ metadata: Logger.Metadata, suppressed: Int) -> Logger.Metadata {
        guard suppressed > 0 else { return metadata }
        return metadata.merging(["lines_left_out": "\(suppressed)"]) { $1 }
    }

    /// Ends the host if it uses more memory or disk than it may. One look at a time, on a thread that may wait.
    func inspect(_ host: HostProcess) {
        guard let inspection = host.beginInspection() else { return }
        let (budget, memoryBytesMax) = (configuration.temporaryBudget, configuration.limits.memoryBytesMax)
        threads.submit { state in
            guard state == .active else { return host.end(inspection, excess: nil) }
            if host.residentBytes > memoryBytesMax {
                return host.end(inspection, excess: "more than \(memoryBytesMax) bytes of memory")
            }
            let descriptors = host.descriptors
            if ProcessRecords.isHeadless(descriptors.process) {
                return host.end(inspection, excess: "no first thread, without which nobody sees what it uses")
            }
            let usage = descriptors.folder.usage(of: descriptors.process, budget: budget)
            host.end(inspection, excess: usage.excess(over: budget))
        }
    }

    /// The call is over. A host whose step left files is replaced: the next call may be another execution's, and while
    /// the process lives, nobody can empty its folder for good.
    private func finished(_ end: CallEnd, by host: HostProcess) {
        let isTooLarge = end.call % UInt64(Self.memoryCheckInterval) == 0
            && host.residentBytes > configuration.pool.residentBytesMax
        let isWorn = isTooLarge || host.descriptors.folder.isDirty
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

    func lost(_ host: UInt64, _ death: HostDeath, call end: CallEnd?, diagnostics: String?) {
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
        if let text = end?.diagnostics ?? diagnostics {
            metadata["stderr"] = "\(configuration.secrets.hideAll(in: text).suffix(512))"
        }
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
        let isTaken = activities.offer(of: id, byteCount: kind.byteCount) { [configuration, activity] in
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
