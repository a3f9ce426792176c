import Synchronization

/// Asks a plugin what it offers, in a step host that is thrown away afterwards.
///
/// Loading runs the plugin's code, and a damaged file kills whoever maps it: never done in the server.
final class PluginDescriber: HostOwner {
    struct Fault: Error, Hashable {
        /// The machine did not give the plugin a process.
        static let hostNotStarted = "host_not_started"

        var code: String
        var message: String
    }

    private struct Shared {
        var continuation: CheckedContinuation<Result<[UInt8], Fault>, Never>?
        var described: [UInt8]?
    }

    private let shared = Mutex(Shared())

    private init() {}

    /// The plugin's description, once its process is gone.
    static func describe(
        _ path: String, id: UInt64, configuration: HostingConfiguration, spawner: HostSpawner, reactor: Reactor
    ) async throws(Fault) -> [UInt8] {
        let describer = PluginDescriber()
        let settings = HostStateMachine.Settings(configuration, pluginPath: path)
        let result: Result<[UInt8], Fault> = await withCheckedContinuation { continuation in
            describer.shared.withLock { $0.continuation = continuation }
            spawner.spawn { result in
                switch result {
                case .success(let descriptors):
                    let host = HostProcess(
                        id: id, descriptors: descriptors, settings: settings,
                        tailBytesMax: configuration.limits.outputTailBytesMax, reactor: reactor, owner: describer)
                    reactor.add(host)
                case .failure(let failure):
                    describer.finish(.failure(Fault(code: Fault.hostNotStarted, message: failure.message)))
                }
            }
        }
        return try result.get()
    }

    func receive(_ report: HostReport, from host: HostProcess) {
        switch report {
        case .ready(let describe):
            shared.withLock { $0.described = describe }
            host.retire()
        case .died(let death, _):
            if let described = shared.withLock({ $0.described }) { return finish(.success(described)) }
            finish(.failure(Self.fault(death, stderr: host.diagnostics())))
        case .finished, .activity, .secretRequested, .slow, .counted: break
        }
    }

    private func finish(_ result: Result<[UInt8], Fault>) {
        let continuation = shared.withLock { shared in
            defer { shared.continuation = nil }
            return shared.continuation
        }
        continuation?.resume(returning: result)
    }

    private static func fault(_ death: HostDeath, stderr: String?) -> Fault {
        let said = stderr.map { ": " + String($0.suffix(1024)) } ?? ""
        switch death {
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
        case .killedAtDeadline, .killedWithoutHeartbeat, .killedAfterCancel, .retired:
            return Fault(code: "load_interrupted", message: "loading it was interrupted")
        }
    }
}
