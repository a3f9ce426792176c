/// Why a step host process ended.
enum HostDeath: Hashable, Sendable {
    case signal(Int32)
    case exited(Int32)
    /// It sent what is no frame, or closed the channel and lived on.
    case protocolViolation(String)
    /// It did not say HELLO, or did not open its plugin, in time.
    case unresponsive(String)
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
            .loadFailed, .retired:
            false
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
