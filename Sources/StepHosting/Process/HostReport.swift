import WorkflowEngine

/// What a step host process tells its owner.
enum HostReport: Sendable {
    /// The process is there; the plugin is not in it yet.
    case greeted
    /// The plugin is open; `describe` is what it said of itself.
    case ready(describe: [UInt8], Confinement)
    /// The names that `HostStateMachine.Purpose.names` asked for, one a line.
    case named(String)
    /// The call is over and the host is free again.
    case finished(CallEnd)
    case activity(call: UInt64, StepActivity.Kind)
    /// The step wants a secret; `HostProcess.reply` answers.
    case secretRequested(call: UInt64, token: UInt64, name: String)
    case slow(call: UInt64, entry: String)
    /// It is time to look at what the process uses; `HostProcess.exceeded` ends a process that uses too much.
    case inspect
    /// Counted since the last report.
    case counted(lateCompletions: Int, droppedLogs: Int)
    /// The process is gone and collected; `call` is what it had been given and not finished.
    case died(HostDeath, call: CallEnd?)
}

/// How one call on a host ended.
struct CallEnd: Hashable, Sendable {
    enum Result: Hashable, Sendable {
        case completed(WireMessage.Completion)
        case refused(Int32)
        case died(HostDeath)
    }

    var call: UInt64
    var result: Result
    /// Set when the call had been told to stop.
    var cancelReason: CancelReason?
    /// The last heartbeat details.
    var checkpoint: [UInt8]
    var elapsedNanoseconds: Int64
    /// The end of stdout and stderr since the call began; filled in for what went wrong.
    var diagnostics: String?
}

/// Why a call is told to stop; the numbers are STEP_CANCEL_.
enum CancelReason: Int, Hashable, Sendable { case requested = 1, deadline, shutdown, heartbeatLost }
