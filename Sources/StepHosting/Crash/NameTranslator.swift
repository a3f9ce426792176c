import StepABI
import WorkflowEngine

/// Has mangled names of a plugin's functions translated, in a confined step host.
///
/// A name is text of the plugin's author, and the demangler promises nothing about such text: a hundred bytes can stand
/// for gigabytes. It therefore never works in the server.
struct NameTranslator: Sendable {
    let hosts: ThrowawayHosts
    let configuration: HostingConfiguration

    /// The names as their Swift source has them, in their order; nil when the step host could not tell.
    func translate(_ names: [String], of path: String) async -> [String]? {
        var settings = HostStateMachine.Settings(configuration, pluginPath: path)
        settings.purpose = .names(names)
        settings.openWaitMax = settings.openTimeout
        guard case .named(let text) = await hosts.ask(settings).answer else { return nil }
        let translated = text.split(separator: "\n").map(String.init)
        return translated.count == names.count ? translated : nil
    }
}
