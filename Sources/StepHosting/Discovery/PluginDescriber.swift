import Synchronization
import WorkflowEngine

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
        var continuation: CheckedContinuation<Result<Described, Fault>, Never>?
        var described: Described?
        var host: HostProcess?
        var isCancelled = false
    }

    /// What a plugin said of itself, and what held it meanwhile.
    struct Described: Sendable {
        var bytes: [UInt8]
        var confinement: Confinement
    }

    private let shared = Mutex(Shared())

    private init() {}

    /// The plugin's description, once its process is gone. Cancelling the task ends the process.
    static func describe(
        _ path: String, id: UInt64, configuration: HostingConfiguration, spawner: HostSpawner, reactor: Reactor
    ) async throws(Fault) -> Described {
        let describer = PluginDescriber()
        let settings = HostStateMachine.Settings(configuration, pluginPath: path)
        let result: Result<Described, Fault> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                describer.shared.withLock { $0.continuation = continuation }
                spawner.spawn { result in
                    switch result {
                    case .success(let descriptors):
                        let host = HostProcess(
                            id: id, descriptors: descriptors, settings: settings,
                            tailBytesMax: configuration.limits.outputTailBytesMax, reactor: reactor, owner: describer)
                        let isCancelled = describer.shared.withLock { shared in
                            shared.host = host
                            return shared.isCancelled
                        }
                        reactor.add(host)
                        if isCancelled { host.retire() }
                    case .failure(let failure):
                        describer.finish(.failure(Fault(code: Fault.hostNotStarted, message: failure.message)))
                    }
                }
            }
        } onCancel: {
            let host = describer.shared.withLock { shared in
                shared.isCancelled = true
                return shared.host
            }
            host?.retire()
        }
        return try result.get()
    }

    func receive(_ report: HostReport, from host: HostProcess) {
        switch report {
        case .ready(let describe, let confinement):
            shared.withLock { $0.described = Described(bytes: describe, confinement: confinement) }
            host.retire()
        case .died(let death, _):
            if let described = shared.withLock({ $0.described }) { return finish(.success(described)) }
            finish(.failure(Self.fault(death, stderr: host.diagnostics())))
        case .named, .finished, .activity, .secretRequested, .slow, .counted, .inspect: break
        }
    }

    private func finish(_ result: Result<Described, Fault>) {
        let continuation = shared.withLock { shared in
            defer { (shared.continuation, shared.host) = (nil, nil) }
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
        case .killedAtDeadline, .killedWithoutHeartbeat, .killedAfterCancel, .killedBeyondLimit, .retired:
            return Fault(code: "load_interrupted", message: "loading it was interrupted")
        }
    }
}
