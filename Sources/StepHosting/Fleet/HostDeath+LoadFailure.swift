extension HostDeath {
    /// Why a plugin did not load, if its host died so while it was to; final when another try is no use.
    func loadFailure(_ diagnostics: String?) -> (message: String, isFinal: Bool) {
        switch self {
        case .loadFailed(_, let message): return (message, true)
        case .unresponsive(let message), .protocolViolation(let message): return (message, false)
        case .signal(let number): return ("loading it ended the step host with \(SignalName.of(number))", false)
        case .exited(let code):
            let line = diagnostics?.split(separator: "\n").last.map { ": \($0)" } ?? ""
            return ("loading it ended the step host with status \(code)\(line)", false)
        case .killedBeyondLimit(let what): return ("the plugin used \(what)", false)
        case .spawnFailed, .notStarted, .stalled, .killedAtDeadline, .killedWithoutHeartbeat, .killedAfterCancel,
            .retired:
            return ("the step host was stopped", false)
        }
    }
}
