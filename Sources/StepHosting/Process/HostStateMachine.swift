import StepABI
import WorkflowEngine

/// The life of one step host process, without the process: what arrives goes in, what is to be done comes out.
///
/// ```
/// greeting ─HELLO→ opening ─READY→ idle ⇄ busy        closing: CLOSE was sent, or a call is to stop for good
///     └──────────────┴──────────────┴──────┴─ fault, timer → dying ─exit→ dead
/// ```
struct HostStateMachine {
    /// What a step host is started for.
    enum Purpose: Hashable, Sendable {
        /// To load the plugin and take calls.
        case plugin
        /// To translate mangled names of the plugin's functions; it runs nothing of the plugin, and ends.
        case names([String])
    }

    struct Settings: Sendable {
        var purpose = Purpose.plugin
        var pluginPath: String
        var pluginConfiguration: [UInt8]
        var helloTimeout: Int64
        /// Processor time the plugin has for opening.
        var openTimeout: Int64
        /// The longest wait for the plugin to open, however little it computes.
        var openWaitMax: Int64
        var grace: Int64
        var closedChannelTimeout: Int64
        /// While a call runs: how often the use of memory and disk is looked at.
        var inspectionInterval: Int64 = .max / 2
    }

    enum Action {
        case send([UInt8])
        case kill
        case report(HostReport)
    }

    struct ActiveCall: Hashable {
        var id: UInt64
        var startedAt: MonotonicNanoseconds
        /// When CANCEL goes out.
        var deadline: MonotonicNanoseconds
        /// How long the step may go without a heartbeat; nil: for ever.
        var heartbeatTimeout: Int64?
        var heardAt: MonotonicNanoseconds
        var cancelReason: CancelReason?
        /// When the process is killed, once the call was told to stop.
        var killAt: MonotonicNanoseconds = .max
        var checkpoint: [UInt8] = []
        var requestCount = 0
        /// When what the process uses is looked at next.
        var inspectAt: MonotonicNanoseconds

        /// When the call is told to stop, or the process is killed.
        var limitAt: MonotonicNanoseconds {
            if cancelReason != nil { return killAt }
            return min(deadline, heartbeatTimeout.map { heardAt + $0 } ?? .max)
        }
        var wakeAt: MonotonicNanoseconds { min(limitAt, inspectAt) }
    }

    enum State: Hashable {
        case greeting(until: MonotonicNanoseconds)
        /// `checkAt`: when to look at the processor time again. `confinement`: what holds the process; until it is
        /// known, nothing of the plugin runs in it.
        case opening(checkAt: MonotonicNanoseconds, until: MonotonicNanoseconds, confinement: Confinement?)
        case idle
        case busy(ActiveCall)
        case closing(until: MonotonicNanoseconds)
        case dying(HostDeath, ActiveCall?)
        case dead
    }

    private(set) var state: State
    private let settings: Settings
    /// Frames beside the answers to calls. A step host of ours stays far below it: it sends at most 10 heartbeats and 20
    /// notes of progress a second, and drops logs while the socket is full. A plugin that writes frames itself could keep
    /// the reactor busy, which every call waits for.
    private var frames = TokenBucket(burst: HostStateMachine.framesMax, interval: 200_000)
    /// Set when the channel closed before the process ended.
    private var channelClosedUntil: MonotonicNanoseconds?
    private var counted: (late: UInt64, logs: UInt64) = (0, 0)

    init(settings: Settings, now: MonotonicNanoseconds) {
        self.settings = settings
        state = .greeting(until: now + settings.helloTimeout)
    }

    /// When `timerFired` wants to be called next.
    var wakeAt: MonotonicNanoseconds {
        let ofState: MonotonicNanoseconds =
            switch state {
            case .greeting(let until), .closing(let until): until
            case .opening(let checkAt, let until, _): min(checkAt, until)
            case .busy(let call): call.wakeAt
            case .idle, .dying, .dead: .max
            }
        return min(ofState, channelClosedUntil ?? .max)
    }

    // MARK: From the pool

    /// Hands a call over; nil when the host cannot take it any more. The caller sends the CALL frame.
    mutating func begin(
        _ call: UInt64, timeout: Int64, heartbeatTimeout: Int64? = nil, now: MonotonicNanoseconds
    ) -> Bool {
        guard case .idle = state, channelClosedUntil == nil else { return false }
        state = .busy(
            ActiveCall(
                id: call, startedAt: now, deadline: now + timeout, heartbeatTimeout: heartbeatTimeout, heardAt: now,
                inspectAt: now + settings.inspectionInterval))
        return true
    }

    /// Tells the call to stop: CANCEL, and SIGKILL after the grace. A call already told keeps its first reason.
    mutating func cancel(_ call: UInt64, reason: CancelReason, now: MonotonicNanoseconds) -> [Action] {
        guard case .busy(var active) = state, active.id == call, active.cancelReason == nil else { return [] }
        active.cancelReason = reason
        active.killAt = now + settings.grace
        state = .busy(active)
        return [.send(WireEncoder.cancel(call, reason: reason.rawValue))]
    }

    /// Closes the process when it has no call, kills it when it does not follow.
    mutating func retire(now: MonotonicNanoseconds) -> [Action] {
        switch state {
        case .idle:
            state = .closing(until: now + settings.grace)
            return [.send(WireEncoder.close())]
        case .greeting, .opening:
            state = .dying(.retired, nil)
            return [.kill]
        case .busy(let call): return cancel(call.id, reason: .shutdown, now: now)
        case .closing, .dying, .dead: return []
        }
    }

    // MARK: From the process

    mutating func received(_ message: WireMessage, now: MonotonicNanoseconds) -> [Action] {
        if !message.isAnswer, !frames.take(now) { return violated("more frames than a step host sends") }
        switch (message, state) {
        case (_, .dying), (_, .dead): return []
        case (.counters(let late, let logs), _): return count(late: late, logs: logs)
        case (.hello(let hello), .greeting):
            guard hello.magic == STEP_WIRE_MAGIC, hello.version == STEP_WIRE_VERSION else {
                return fail(.protocolViolation("the step host is of another build"))
            }
            state = .opening(
                checkAt: now + settings.openTimeout, until: now + settings.openWaitMax, confinement: nil)
            let frame = switch settings.purpose {
            case .plugin: WireEncoder.open(path: settings.pluginPath, configuration: settings.pluginConfiguration)
            case .names(let names): WireEncoder.names(path: settings.pluginPath, names)
            }
            return [.report(.greeted), .send(frame)]
        case (.confined(let confinement), .opening(let checkAt, let until, nil)):
            state = .opening(checkAt: checkAt, until: until, confinement: confinement)
            return []
        case (.ready(let describe), .opening(_, _, let confinement?)) where settings.purpose == .plugin:
            state = .idle
            return [.report(.ready(describe: describe, confinement))]
        case (.named(let names), .opening) where settings.purpose != .plugin:
            state = .closing(until: now + settings.grace)
            return [.report(.named(names))]
        case (.loadFailed(let code, let message), .opening), (.loadFailed(let code, let message), .greeting):
            return fail(.loadFailed(code: code, message: message))
        case (.complete(let id, let completion), .busy(let call)) where id == call.id:
            return finish(call, .completed(completion), now: now)
        case (.refused(let id, let status), .busy(let call)) where id == call.id:
            return finish(call, .refused(status), now: now)
        case (.complete, .idle), (.complete, .busy), (.complete, .closing), (.refused, .busy):
            return [.report(.counted(lateCompletions: 1, droppedLogs: 0))]
        case (.heartbeat(let id, let details), .busy(var call)):
            if id == call.id {
                call.checkpoint = details
                call.heardAt = now
                state = .busy(call)
            }
            return []
        case (.progress(let id, let fraction, let note), .busy(let call)):
            // What a step sends for a call that is over is nobody's.
            guard id == call.id, fraction.isFinite else { return [] }
            let held = min(1, max(0, fraction))
            return [.report(.activity(call: id, .progress(fraction: held, note: note)))]
        case (.log(let id, let level, let message, let fields), .busy(let call)):
            guard id == call.id else { return [] }
            let known = StepActivity.LogLevel(rawValue: level) ?? .info
            return [.report(.activity(call: id, .log(level: known, message: message, fields: fields)))]
        case (.request(let id, let kind, let token, let key), .busy(var call)) where id == call.id:
            guard Int(kind) == STEP_REQUEST_SECRET_GET else {
                return [.send(WireEncoder.reply(call: id, token: token, status: STEP_REPLY_UNKNOWN_KIND))]
            }
            call.requestCount += 1
            state = .busy(call)
            guard call.requestCount <= Self.requestsPerCallMax else {
                return [.send(WireEncoder.reply(call: id, token: token, status: STEP_REPLY_REFUSED))]
            }
            return [.report(.secretRequested(call: id, token: token, name: key))]
        case (.request(let id, _, let token, _), .busy), (.request(let id, _, let token, _), .opening),
            (.request(let id, _, let token, _), .idle):
            // Asked outside a call: whose secret would it be?
            return [.send(WireEncoder.reply(call: id, token: token, status: STEP_REPLY_REFUSED))]
        case (.slow(let id, let what), _):
            let entries: [UInt8: String] = [1: "invoke", 2: "cancel", 3: "reply"]
            return [.report(.slow(call: id, entry: entries[what] ?? "an entry"))]
        case (.heartbeat, .idle), (.progress, .idle), (.log, _), (.heartbeat, .closing), (.progress, .closing),
            (.request, .closing):
            return []
        case (.hello, _), (.confined, _), (.ready, _), (.named, _), (.loadFailed, _), (.complete, _), (.refused, _),
            (.heartbeat, _), (.progress, _), (.request, _):
            return fail(.protocolViolation("a frame out of turn"))
        }
    }

    /// Bytes arrived that are no frames, or more was asked for than is answered.
    mutating func violated(_ message: String) -> [Action] {
        switch state {
        case .dying, .dead: []
        default: fail(.protocolViolation(message))
        }
    }

    /// The process used more than it may while it had this call, or none. A look that took longer than the call says
    /// nothing of the next one.
    mutating func exceeded(_ what: String, during call: UInt64?) -> [Action] {
        switch state {
        case .dying, .dead: []
        default: call == activeCall ? fail(.killedBeyondLimit(what)) : []
        }
    }

    /// The call that the process has.
    var activeCall: UInt64? {
        if case .busy(let call) = state { call.id } else { nil }
    }

    /// The channel is at its end; the process has a moment to follow.
    mutating func channelClosed(now: MonotonicNanoseconds) -> [Action] {
        switch state {
        case .dying, .dead: break
        default: if channelClosedUntil == nil { channelClosedUntil = now + settings.closedChannelTimeout }
        }
        return []
    }

    /// - Parameter processorTime: nanoseconds the process has computed in all; asked only when it matters.
    mutating func timerFired(now: MonotonicNanoseconds, processorTime: () -> Int64) -> [Action] {
        if let until = channelClosedUntil, until <= now {
            return fail(.protocolViolation("the plugin closed the channel to the server"))
        }
        switch state {
        case .greeting(let until) where until <= now:
            return fail(.notStarted("the step host did not start in time"))
        case .opening(let checkAt, let until, let confinement) where min(checkAt, until) <= now:
            let left = settings.openTimeout - processorTime()
            if left <= 0 { return fail(.unresponsive("the plugin used up the processor time it has for opening")) }
            if until <= now { return fail(.stalled("the plugin waits for something and does not open")) }
            state = .opening(
                checkAt: now + max(left, Self.processorCheckInterval), until: until, confinement: confinement)
            return []
        case .closing(let until) where until <= now: return fail(.retired)
        case .busy(var call) where call.wakeAt <= now:
            guard call.limitAt <= now else {
                call.inspectAt = now + settings.inspectionInterval
                state = .busy(call)
                return [.report(.inspect)]
            }
            switch call.cancelReason {
            case nil: return cancel(call.id, reason: call.deadline <= now ? .deadline : .heartbeatLost, now: now)
            case .deadline: return fail(.killedAtDeadline)
            case .heartbeatLost: return fail(.killedWithoutHeartbeat)
            case .requested: return fail(.killedAfterCancel)
            case .shutdown: return fail(.retired)
            }
        default: return []
        }
    }

    /// The process is gone and collected.
    mutating func exited(_ status: ExitStatus, now: MonotonicNanoseconds) -> [Action] {
        var death: HostDeath
        if status.signal != 0 {
            death = .signal(status.signal)
        } else if status.code == Self.channelFaultStatus {
            death = .protocolViolation("the plugin closed the channel to the server")
        } else {
            death = .exited(status.code)
        }
        var call: ActiveCall?
        switch state {
        case .dead: return []
        case .dying(let cause, let active): (death, call) = (cause, active)
        case .closing: death = .retired
        case .busy(let active): call = active
        case .greeting, .opening(_, _, confinement: nil):
            death = .notStarted("the step host ended before it was ready to load: \(death)")
        case .opening, .idle: break
        }
        state = .dead
        channelClosedUntil = nil
        let end = call.map { Self.end(of: $0, .died(death), now: now) }
        return [.report(.died(death, call: end))]
    }

    // MARK: Parts

    /// Between two looks at the processor time of a plugin that opens.
    private static let processorCheckInterval: Int64 = 100_000_000

    /// Twice the activity that one call may have.
    static let framesMax = 20_000

    /// As many as the step host lets through; only what is written past it comes to more.
    private static let requestsPerCallMax = 10_000

    /// The step host's exit status when its channel failed (EX_IOERR).
    private static let channelFaultStatus: Int32 = 74

    private mutating func fail(_ original: HostDeath) -> [Action] {
        var death = original
        // Before HELLO nothing of a plugin is in the process.
        if case .greeting = state, case .protocolViolation(let what) = original { death = .notStarted(what) }
        if case .busy(let call) = state { state = .dying(death, call) } else { state = .dying(death, nil) }
        channelClosedUntil = nil
        return [.kill]
    }

    private mutating func finish(
        _ call: ActiveCall, _ result: CallEnd.Result, now: MonotonicNanoseconds
    ) -> [Action] {
        state = .idle
        return [.report(.finished(Self.end(of: call, result, now: now)))]
    }

    private static func end(of call: ActiveCall, _ result: CallEnd.Result, now: MonotonicNanoseconds) -> CallEnd {
        CallEnd(
            call: call.id, result: result, cancelReason: call.cancelReason, checkpoint: call.checkpoint,
            elapsedNanoseconds: now - call.startedAt)
    }

    /// The counters are a process's own and only grow; what is counted since the last report can be any number.
    private mutating func count(late: UInt64, logs: UInt64) -> [Action] {
        guard late >= counted.late, logs >= counted.logs else {
            return fail(.protocolViolation("counters that fall"))
        }
        let (newLate, newLogs) = (late - counted.late, logs - counted.logs)
        counted = (late, logs)
        guard newLate > 0 || newLogs > 0 else { return [] }
        return [.report(.counted(lateCompletions: Int(clamping: newLate), droppedLogs: Int(clamping: newLogs)))]
    }
}
