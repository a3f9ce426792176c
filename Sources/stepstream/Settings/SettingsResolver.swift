import ArgumentParser
import FoundationEssentials
import Logging
import WebServing
import WorkflowModel

/// Brings flags, environment and file together, and checks everything before anything starts.
struct SettingsResolver {
    var options: SettingsOptions
    var steps: StepOptions
    var environment: [String: String] = ProcessInfo.processInfo.environment

    private static let keys: Set = [
        "host", "port", "data_dir", "plugins", "plugin_files", "plugin_secret_files", "bus", "insecure", "cors_origins",
        "plugin_library_directories", "require_confinement", "step_host_users", "log_level", "stop_grace", "kafka",
        "tokens", "approvals", "notifier",
    ]

    private static var variables: SettingsVariables {
        let groups: Set = ["kafka", "approvals", "notifier"]
        let lists: Set = ["tokens", "plugin_secret_files"]
        return SettingsVariables(
            keys: keys.subtracting(groups).subtracting(lists).union(KafkaSettings.keys.map { "kafka.\($0)" })
                .union(ApprovalSettings.keys.map { "approvals.\($0)" }).union(["notifier.retry_schedule"]),
            fileOnly: groups.union(lists).union(["notifier.channels"]))
    }

    /// - Parameters:
    ///   - runsSteps: whether the process runs steps and needs what they need.
    ///   - listens: whether others can reach it.
    /// - Throws: `SettingsError` with every fault.
    func resolve(runsSteps: Bool, listens: Bool) throws -> Settings {
        var faults: [String] = []
        let source = SettingsSource(
            path: options.common.config, environment: environment, keys: Self.keys, faults: &faults)
        var settings = Settings()
        let unknown = Self.variables.check(environment, &faults)
        if let host = source.text(options.host, "host", &faults) { settings.host = host.value }
        if let port = source.text(options.port, "port", &faults) {
            if let number = Int(port.value), (0...65_535).contains(number) { settings.port = number } else {
                faults.append("\(port.source) is \"\(port.value)\"; give a number from 0 to 65535")
            }
        }
        if let directory = source.text(options.common.dataDir, "data_dir", &faults) {
            settings.dataDirectory = absolute(directory.value, directory.source, &faults)
        } else if settings.dataDirectory.isEmpty {
            faults.append("there is no home directory to keep data in; give --data-dir")
        }
        if let bus = source.text(options.common.bus, "bus", &faults) {
            if let known = Settings.Bus(rawValue: bus.value) { settings.bus = known } else {
                let names = Settings.Bus.allCases.map(\.rawValue).joined(separator: ", ")
                faults.append("\(bus.source) is \"\(bus.value)\"; give one of: \(names)")
            }
        }
        // A flag may choose the embedded bus beside a file that describes Kafka, not the other way round.
        let ofKafka = source.rank("kafka", isFlag: options.common.kafkaBootstrap != nil)
        if settings.bus == .embedded, ofKafka > 0,
            ofKafka >= source.rank("bus", isFlag: options.common.bus != nil)
        {
            faults.append(
                "there are settings of kafka, and the bus is embedded; give bus: kafka, STEPSTREAM_BUS or --bus")
        }
        if settings.bus == .kafka {
            KafkaSettings(source: source, bootstrap: options.common.kafkaBootstrap).resolve(into: &settings, &faults)
        }
        settings.approvals = ApprovalSettings(source, &faults)
        if let level = source.text(options.common.logLevel, "log_level", &faults) {
            if Logger.Level(rawValue: level.value) != nil { settings.logLevel = level.value } else {
                let names = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                faults.append("\(level.source) is \"\(level.value)\"; give one of: \(names)")
            }
        }
        if let grace = source.text(steps.stopGrace, "stop_grace", &faults) {
            if let duration = Duration(parsing: grace.value) { settings.stopGrace = duration } else {
                faults.append("\(grace.source) is \"\(grace.value)\"; give a duration such as 500ms, 10s or 2m")
            }
        }
        if options.insecure { settings.insecure = true } else if let flag = source.bool("insecure", &faults) {
            settings.insecure = flag
        }
        resolvePlugins(source, into: &settings, mustExist: runsSteps, &faults)
        let faultsBefore = faults.count
        settings.callers = CallerSettings(source, &faults)
        let hasCallers = faults.count > faultsBefore || !settings.callers.directory.isEmpty
        if listens, !hasCallers, let fault = settings.listening.bindFault { faults.append(fault) }
        settings.notifier = NotifierSettings(source, settings: settings, &faults)
        let origins = source.list(
            options.corsOrigin, "cors_origins", flag: "--cors-origin", separator: ",", &faults)
        for origin in origins?.values ?? [] where !WebServerConfiguration.isOrigin(origin) {
            faults.append(
                "\(origins?.source ?? "") has \"\(origin)\"; give an origin as browsers send it, such as "
                    + "https://flows.example or http://localhost:5173")
        }
        settings.corsOrigins = origins?.values ?? WebServerConfiguration.originsDefault(host: settings.host)
        guard faults.isEmpty else { throw SettingsError(faults: faults) }
        for name in unknown { Output.notice("stepstream: \(name) is no setting and has no effect") }
        return settings
    }

    /// The settings of plugins alone, for a command that reads or runs them without a server.
    /// - Parameter flags: the directories that the command's flags name.
    static func plugins(_ flags: [String]) throws -> Settings {
        var resolver = SettingsResolver(options: try SettingsOptions.parse([]), steps: try StepOptions.parse([]))
        resolver.steps.plugins = flags
        var faults: [String] = []
        let source = SettingsSource(path: nil, environment: resolver.environment, keys: keys, faults: &faults)
        var settings = Settings()
        _ = variables.check(resolver.environment, &faults)
        resolver.resolvePlugins(source, into: &settings, mustExist: true, &faults)
        guard faults.isEmpty else { throw SettingsError(faults: faults) }
        return settings
    }

    private func resolvePlugins(
        _ source: SettingsSource, into settings: inout Settings, mustExist: Bool, _ faults: inout [String]
    ) {
        settings.pluginDirectories =
            directories(source.list(steps.plugins, "plugins", separator: ":", &faults), mustExist, &faults)
            ?? [Settings.defaultPluginDirectory]
        let files = source.list(steps.pluginFiles, "plugin_files", separator: ":", &faults)
        settings.pluginFiles = directories(files, mustExist, &faults) ?? []
        ConfinementSettings(source: source).resolve(into: &settings, &faults)
        settings.pluginSecrets = PluginSecretSettings(source, &faults)
        if mustExist { settings.pluginSecrets.read(&faults) }
    }

    /// Directories that are there; a process that runs no steps may share the settings and not have them.
    private func directories(
        _ list: (values: [String], source: String)?, _ mustExist: Bool, _ faults: inout [String]
    ) -> [String]? {
        list?.values.map { value in
            let path = absolute(value, list?.source ?? "", &faults)
            if mustExist, let reason = Platform.faultOfDirectory(path) {
                faults.append("\(list?.source ?? ""): \(path) cannot be used: \(reason)")
            }
            return path
        }
    }

    private func absolute(_ path: String, _ source: String, _ faults: inout [String]) -> String {
        if path.hasPrefix("/") { return path }
        if path.hasPrefix("~") {
            faults.append("\(source) is \"\(path)\"; ~ stands for no directory here, write the whole path")
        }
        let directory = FileManager.default.currentDirectoryPath
        // As an empty path it would lead to the root.
        guard directory.hasPrefix("/") else {
            faults.append("\(source) is \"\(path)\", and the working directory is gone; give an absolute path")
            return path
        }
        return directory + "/" + path
    }
}
