import StepABI
import Synchronization
import WorkflowEngine

/// Has mangled names of a plugin's functions translated, in a confined step host that is thrown away afterwards.
///
/// A name is text of the plugin's author, and the demangler promises nothing about such text: a hundred bytes can stand
/// for gigabytes. It therefore never works in the server.
final class NameTranslator: HostOwner {
    private struct Shared {
        var continuation: CheckedContinuation<[String]?, Never>?
        var names: [String]?
    }

    private let shared = Mutex(Shared())

    private init() {}

    /// The names as their Swift source has them, in their order; nil when the step host could not tell.
    static func translate(
        _ names: [String], path: String, id: UInt64, configuration: HostingConfiguration, spawner: HostSpawner,
        reactor: Reactor
    ) async -> [String]? {
        let translator = NameTranslator()
        var settings = HostStateMachine.Settings(configuration, pluginPath: path)
        settings.task = .names(names)
        settings.openWaitMax = settings.openTimeout
        let task = settings
        let translated: [String]? = await withCheckedContinuation { continuation in
            translator.shared.withLock { $0.continuation = continuation }
            spawner.spawn { result in
                switch result {
                case .success(let descriptors):
                    let host = HostProcess(
                        id: id, descriptors: descriptors, settings: task,
                        tailBytesMax: configuration.limits.outputTailBytesMax, reactor: reactor, owner: translator)
                    reactor.add(host)
                case .failure: translator.finish()
                }
            }
        }
        return translated?.count == names.count ? translated : nil
    }

    func receive(_ report: HostReport, from host: HostProcess) {
        switch report {
        case .named(let text):
            shared.withLock { $0.names = text.split(separator: "\n").map(String.init) }
        case .died: finish()
        case .ready, .finished, .activity, .secretRequested, .slow, .counted, .inspect: break
        }
    }

    private func finish() {
        let (continuation, names) = shared.withLock { shared in
            defer { shared.continuation = nil }
            return (shared.continuation, shared.names)
        }
        continuation?.resume(returning: names)
    }
}
