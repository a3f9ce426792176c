import ArgumentParser
import Orchestrator
import StepHosting
import WorkflowEngine
import WorkflowModel

struct Validate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a definition: every fault at once, with line and column.")
    @Argument(help: "The definition, YAML or JSON.") var file: String
    @Option(name: .long, help: "Directory of plugins; repeatable. Default: plugins beside the executable.")
    var plugins: [String] = []

    mutating func run() async throws {
        let file = try DefinitionFile(self.file)
        let catalog = try await PluginCatalog.read(try SettingsResolver.plugins(plugins))
        let definition: WorkflowDefinition
        do throws(DefinitionFaults) { definition = try file.read(functions: catalog.lookup) } catch {
            // A function may be unknown because its plugin does not load.
            for failure in catalog.failures {
                Output.notice("stepstream: \(failure.path) does not load: \(failure.message) [\(failure.code)]")
            }
            throw error
        }
        let count = definition.steps.count
        try Output.text("\(file.path): \(definition.name), \(count) \(count == 1 ? "step" : "steps"), no faults")
    }
}

struct PluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "Work with step plugins.", subcommands: [PluginList.self])
}

struct PluginList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List plugins and their functions, and what does not load.")
    @Option(name: .long, help: "Directory of plugins; repeatable. Default: plugins beside the executable.")
    var plugins: [String] = []
    @Flag(name: .long, help: "Print as JSON, with schemas.") var json = false

    mutating func run() async throws {
        let catalog = try await PluginCatalog.read(try SettingsResolver.plugins(plugins))
        if json { try Output.json(CatalogJSON.json(catalog)) } else {
            for plugin in catalog.plugins {
                try Output.text("\(plugin.name) \(plugin.version)  \(plugin.path)")
                if let confinement = plugin.confinement { try Output.text("  confined by \(confinement)") }
                try Output.text(
                    plugin.functions.map { "  \(plugin.name).\($0.name)  \($0.summary ?? "")" })
            }
            try Output.text(catalog.failures.map { "\($0.path): \($0.message) [\($0.code)]" })
        }
        if !catalog.failures.isEmpty { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}

/// What plugins offer, read once and without a server.
struct PluginCatalog: FunctionCatalog {
    var plugins: [PluginDescription]
    var failures: [PluginFailure]

    /// Looks at the directories with throw-away step hosts.
    static func read(_ settings: Settings) async throws -> PluginCatalog {
        let data = try TemporaryDirectory.make("stepstream-plugins")
        defer { TemporaryDirectory.remove(data) }
        var configuration = HostingConfiguration(
            pluginDirectories: settings.pluginDirectories, dataDirectory: data, stepHostPath: Settings.stepHostPath)
        configuration.pool.warmPerPlugin = 0
        configuration.confinement.libraryDirectories = settings.pluginLibraryDirectories
        let hosting: StepHosting
        do {
            hosting = try StepHosting(configuration: configuration, logger: LogOutput.logger(level: "critical"))
            try hosting.start()
        } catch { throw CommandError(.settings, "\(error)") }
        await hosting.discovered()
        let catalog = PluginCatalog(plugins: hosting.plugins, failures: hosting.failures)
        await hosting.shutdown()
        return catalog
    }
}
