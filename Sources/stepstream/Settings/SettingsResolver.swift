import FoundationEssentials
import Logging
import WebServing
import WorkflowModel

/// Brings flags, environment and file together, and checks everything before anything starts.
struct SettingsResolver {
    var options: SettingsOptions
    var environment: [String: String] = ProcessInfo.processInfo.environment

    private static let keys: Set = [
        "host", "port", "data_dir", "plugins", "plugin_files", "plugin_secret_files", "bus", "insecure", "cors_origins",
        "log_level", "stop_grace", "kafka", "tokens", "approvals", "notifier",
    ]

    /// - Throws: `SettingsError` with every fault.
    func resolve() throws -> Settings {
        var faults: [String] = []
        let source = SettingsSource(
            path: options.common.config, environment: environment, keys: Self.keys, faults: &faults)
        var settings = Settings()

        if let host = source.text(options.host, "host") { settings.host = host.value }
        if let port = source.text(options.port, "port") {
            if let number = Int(port.value), (0...65_535).contains(number) { settings.port = number } else {
                faults.append("\(port.source) is \"\(port.value)\"; give a number from 0 to 65535")
            }
        }
        if let directory = source.text(options.common.dataDir, "data_dir") {
            settings.dataDirectory = absolute(directory.value)
        } else if settings.dataDirectory.isEmpty {
            faults.append("there is no home directory to keep data in; give --data-dir")
        }
        if let bus = source.text(options.common.bus, "bus") {
            if let known = Settings.Bus(rawValue: bus.value) { settings.bus = known } else {
                let names = Settings.Bus.allCases.map(\.rawValue).joined(separator: ", ")
                faults.append("\(bus.source) is \"\(bus.value)\"; give one of: \(names)")
            }
        }
        if settings.bus == .kafka {
            settings.kafka = KafkaSettings(source: source, bootstrap: options.common.kafkaBootstrap).resolve(&faults)
        }
        settings.approvals = ApprovalSettings(source, &faults)
        if let level = source.text(options.common.logLevel, "log_level") {
            if Logger.Level(rawValue: level.value) != nil { settings.logLevel = level.value } else {
                let names = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                faults.append("\(level.source) is \"\(level.value)\"; give one of: \(names)")
            }
        }
        if let grace = source.text(options.stopGrace, "stop_grace") {
            if let duration = Duration(parsing: grace.value) { settings.stopGrace = duration } else {
                faults.append("\(grace.source) is \"\(grace.value)\"; give a duration such as 500ms, 10s or 2m")
            }
        }
        if options.insecure { settings.insecure = true } else if let flag = source.bool("insecure", &faults) {
            settings.insecure = flag
        }
        settings.pluginDirectories =
            (source.list(options.plugins, "plugins", separator: ":") ?? [Settings.defaultPluginDirectory]).map(absolute)
        settings.pluginFiles = (source.list(options.pluginFiles, "plugin_files", separator: ":") ?? []).map(absolute)
        settings.pluginSecrets = PluginSecretSettings(source, &faults)
        settings.callers = CallerSettings(source, &faults)
        settings.notifier = NotifierSettings(source, settings: settings, &faults)
        settings.corsOrigins =
            source.list(options.corsOrigin, "cors_origins", separator: ",")
            ?? WebServerConfiguration.originsDefault(host: settings.host)
        guard faults.isEmpty else { throw SettingsError(faults: faults) }
        return settings
    }

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
