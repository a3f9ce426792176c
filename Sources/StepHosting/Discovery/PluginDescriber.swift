import WorkflowEngine

/// Asks plugins what they offer.
struct PluginDescriber: Sendable {
    struct Fault: Error, Hashable {
        /// The machine did not give the plugin a process.
        static let hostNotStarted = "host_not_started"
        /// The question was taken back, or hosting ended.
        static let interrupted = "load_interrupted"

        var code: String
        var message: String
    }

    /// What a plugin said of itself, and what held it meanwhile.
    struct Described: Sendable {
        var bytes: [UInt8]
        var confinement: Confinement
    }

    let hosts: ThrowawayHosts
    let configuration: HostingConfiguration

    /// The plugin's description, once its process is gone. Cancelling the task ends the process.
    ///
    /// - Parameter helloDoublings: how often the wait for the process to start is doubled.
    func describe(_ path: String, helloDoublings: Int) async throws(Fault) -> Described {
        var settings = HostStateMachine.Settings(configuration, pluginPath: path)
        settings.helloTimeout <<= Int64(helloDoublings)
        let ending = await hosts.ask(settings)
        guard case .ready(let bytes, let confinement) = ending.answer else { throw Self.fault(ending) }
        return Described(bytes: bytes, confinement: confinement)
    }

    private static func fault(_ ending: ThrowawayHosts.Ending) -> Fault {
        let said = ending.diagnostics.map { ": " + String($0.suffix(1024)) } ?? ""
        switch ending.death {
        case .loadFailed(let code, let message): return Fault(code: code, message: message)
        case .signal(let number):
            return Fault(
                code: "load_crashed", message: "loading it ended its process with \(SignalName.of(number))\(said)")
        case .exited(let code):
            return Fault(code: "load_exited", message: "loading it ended its process with status \(code)\(said)")
        case .protocolViolation(let what): return Fault(code: "protocol_violation", message: what)
        case .unresponsive(let what), .stalled(let what): return Fault(code: "load_timeout", message: what + said)
        case .spawnFailed(let message), .notStarted(let message):
            return Fault(code: Fault.hostNotStarted, message: message + said)
        case .killedAtDeadline, .killedWithoutHeartbeat, .killedAfterCancel, .killedBeyondLimit, .retired:
            return Fault(code: Fault.interrupted, message: "loading it was interrupted")
        }
    }
}
