/// Why a step host process ended.
enum HostDeath: Hashable, Sendable {
    case signal(Int32)
    case exited(Int32)
    /// It sent what is no frame, or closed the channel and lived on.
    case protocolViolation(String)
    /// Its plugin used up the processor time it has for opening.
    case unresponsive(String)
    /// It was not there in time, or ended before it had anything of the plugin.
    case notStarted(String)
    /// Its plugin did not open within the longest wait and hardly used the processor: it waits for something.
    case stalled(String)
    /// Killed because a call overran its deadline and the grace after it.
    case killedAtDeadline
    /// Killed because a call sent no heartbeat in its time and did not stop within the grace.
    case killedWithoutHeartbeat
    /// Killed because a cancelled call did not stop within the grace.
    case killedAfterCancel
    /// Killed because it used more memory or disk than it may.
    case killedBeyondLimit(String)
    case spawnFailed(String)
    /// The plugin did not load; the host was closed.
    case loadFailed(code: String, message: String)
    /// Closed by the pool: nobody's fault.
    case retired

    /// Whether the build is to blame: counts towards its quarantine.
    var isCrash: Bool {
        switch self {
        case .signal, .exited, .protocolViolation, .unresponsive: true
        case .killedAtDeadline, .killedWithoutHeartbeat, .killedAfterCancel, .killedBeyondLimit, .spawnFailed,
            .notStarted, .stalled, .loadFailed, .retired:
            false
        }
    }
}

extension HostDeath {
    /// What the machine did; nil when it had no part in the death.
    var machineFault: MachineFault? {
        switch self {
        case .spawnFailed(let message), .notStarted(let message): .start(message)
        case .stalled(let message): .stall(message)
        case .signal, .exited, .protocolViolation, .unresponsive, .killedAtDeadline, .killedWithoutHeartbeat,
            .killedAfterCancel, .killedBeyondLimit, .loadFailed, .retired:
            nil
        }
    }
}

/// How a process ended, as the kernel tells it.
struct ExitStatus: Hashable, Sendable {
    /// 0 when it ended by itself.
    var signal: Int32
    var code: Int32
}

/// The names of the signals a crash ends with.
enum SignalName {
    private static let names: [Int32: String] = [
        1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
        9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
        24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
    ]

    /// `SIGSEGV` for 11 on Linux x86-64 and arm64.
    static func of(_ number: Int32) -> String { names[number] ?? "signal \(number)" }
}
