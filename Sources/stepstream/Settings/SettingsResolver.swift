import FoundationEssentials
import Logging
import WorkflowModel
import Yams

/// Brings flags, environment and file together, and checks everything before anything starts.
struct SettingsResolver {
    static let fileDefault = "stepstream.yaml"

    var options: SettingsOptions
    var environment: [String: String] = ProcessInfo.processInfo.environment

    private static let keys: Set = [
        "host", "port", "data_dir", "plugins", "plugin_files", "bus", "insecure", "cors_origins", "log_level", "stop_grace",
    ]

    /// - Throws: `SettingsError` with every fault.
    func resolve() throws -> Settings {
        var faults: [String] = []
        let file = try readFile(&faults)
        var settings = Settings()

        func text(_ flag: String?, _ key: String) -> (value: String, source: String)? {
            if let flag { return (flag, "--" + key.replacing("_", with: "-")) }
            let variable = "STEPSTREAM_" + key.uppercased()
            if let value = environment[variable] { return (value, variable) }
            if let value = file[key]?.scalar?.string { return (value, "\(key) in \(filePath)") }
            return nil
        }
        func list(_ flags: [String], _ key: String, separator: Character) -> [String]? {
            if !flags.isEmpty { return flags }
            if let value = environment["STEPSTREAM_" + key.uppercased()] {
                return value.split(separator: separator).map(String.init)
            }
            if let sequence = file[key]?.sequence { return sequence.compactMap { $0.scalar?.string } }
            return file[key]?.scalar.map { [$0.string] }
        }

        if let host = text(options.host, "host") { settings.host = host.value }
        if let port = text(options.port, "port") {
            if let number = Int(port.value), (0...65_535).contains(number) { settings.port = number } else {
                faults.append("\(port.source) is \"\(port.value)\"; give a number from 0 to 65535")
            }
        }
        if let directory = text(options.dataDir, "data_dir") { settings.dataDirectory = absolute(directory.value) }
        if let bus = text(options.bus, "bus") {
            if let known = Settings.Bus(rawValue: bus.value) { settings.bus = known } else {
                let names = Settings.Bus.allCases.map(\.rawValue).joined(separator: ", ")
                faults.append("\(bus.source) is \"\(bus.value)\"; give one of: \(names)")
            }
        }
        if let level = text(options.logLevel, "log_level") {
            if Logger.Level(rawValue: level.value) != nil { settings.logLevel = level.value } else {
                let names = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                faults.append("\(level.source) is \"\(level.value)\"; give one of: \(names)")
            }
        }
        if let grace = text(options.stopGrace, "stop_grace") {
            if let duration = Duration(parsing: grace.value) { settings.stopGrace = duration } else {
                faults.append("\(grace.source) is \"\(grace.value)\"; give a duration such as 500ms, 10s or 2m")
            }
        }
        if options.insecure { settings.insecure = true } else if let value = text(nil, "insecure") {
            switch value.value {
            case "true", "1": settings.insecure = true
            case "false", "0": settings.insecure = false
            default: faults.append("\(value.source) is \"\(value.value)\"; give true or false")
            }
        }
        settings.pluginDirectories =
            (list(options.plugins, "plugins", separator: ":") ?? [Settings.defaultPluginDirectory]).map(absolute)
        settings.pluginFiles = (list(options.pluginFiles, "plugin_files", separator: ":") ?? []).map(absolute)
        if let origins = list(options.corsOrigin, "cors_origins", separator: ",") { settings.corsOrigins = origins }
        guard faults.isEmpty else { throw SettingsError(faults: faults) }
        return settings
    }

    private var filePath: String { options.config ?? environment["STEPSTREAM_CONFIG"] ?? Self.fileDefault }

    private func readFile(_ faults: inout [String]) throws -> [String: Node] {
        let isNamed = options.config != nil || environment["STEPSTREAM_CONFIG"] != nil
        guard let data = FileManager.default.contents(atPath: filePath) else {
            if isNamed { faults.append("the settings file \(filePath) cannot be read") }
            return [:]
        }
        let node: Node?
        do { node = try Yams.compose(yaml: String(decoding: data, as: UTF8.self)) } catch {
            faults.append("\(filePath) is not YAML: \(error)")
            return [:]
        }
        guard let mapping = node?.mapping else {
            if node != nil { faults.append("\(filePath) is not a mapping of settings") }
            return [:]
        }
        var values: [String: Node] = [:]
        for (key, value) in mapping {
            guard let name = key.string else { continue }
            if Self.keys.contains(name) { values[name] = value } else {
                let known = Self.keys.sorted().joined(separator: ", ")
                faults.append("\(filePath): unknown setting \"\(name)\"; known are: \(known)")
            }
        }
        return values
    }

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
