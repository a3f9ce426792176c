import EventBusKafka
import FoundationEssentials
import StepHosting
import WebServing
import WorkflowModel

/// The effective settings of a process: flags over environment over `stepstream.yaml` over defaults.
struct Settings: Sendable {
    enum Bus: String, CaseIterable, Sendable { case embedded, kafka }

    var host = "127.0.0.1"
    /// 0 picks a free one.
    var port = 8000
    var dataDirectory = Settings.defaultDataDirectory ?? ""
    var pluginDirectories: [String] = []
    /// Directories that steps may read and write, for every plugin.
    var pluginFiles: [String] = []
    /// Directories of shared libraries that plugins may read and name in their RUNPATH, besides the system's.
    var pluginLibraryDirectories = HostingConfiguration.Confinement().libraryDirectories
    /// Without which no plugin is loaded: `no_new_privs`, `seccomp`, `landlock`.
    var requiredConfinement = HostingConfiguration.Confinement.requirements
    /// The users that step hosts become when the server is root, one each.
    var stepHostUsers = HostingConfiguration.Confinement().users
    var pluginSecrets = PluginSecretSettings()
    var bus = Bus.embedded
    /// There when the bus is Kafka.
    var kafka: KafkaBusConfiguration?
    /// Where Kafka's token comes from, for `--print-config`.
    var kafkaTokenFile: String?
    /// Allows a bind address beyond loopback without configured tokens.
    var insecure = false
    /// Who may call; without any, everybody who can reach the listener.
    var callers = CallerSettings()
    /// Beside the listener's own.
    var corsOrigins: [String] = []
    var logLevel = "notice"
    var approvals = ApprovalSettings()
    /// How approvers are told.
    var notifier = NotifierSettings()
    /// How long running steps may go on after SIGTERM.
    var stopGrace = Duration.seconds(10)

    /// `$XDG_STATE_HOME/stepstream`, as root `/var/lib/stepstream`; nil without a home. A directory that everybody can
    /// write to, such as `/tmp`, is no place for a journal: whoever makes it first owns it.
    static var defaultDataDirectory: String? {
        if Platform.isRoot { return "/var/lib/stepstream" }
        let environment = ProcessInfo.processInfo.environment
        // The specification has relative paths ignored.
        let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 + "/.local/state" : nil }
        return (state ?? home).map { $0 + "/stepstream" }
    }

    /// `plugins` beside the executable.
    static var defaultPluginDirectory: String { Platform.executableDirectory + "/plugins" }

    static var stepHostPath: String { Platform.executableDirectory + "/stepstream-step-host" }

    /// The listener of a role.
    var listening: WebServerConfiguration {
        WebServerConfiguration(
            host: host, port: port, allowedOrigins: corsOrigins + [approvals.publicOrigin].compactMap { $0 },
            isInsecureAllowed: insecure, callers: callers.directory)
    }

    /// For a command that reads what is there: it makes no directory out of a slip of the pen.
    func requireDataDirectory() throws(SettingsError) {
        guard let reason = Platform.faultOfDirectory(dataDirectory) else { return }
        throw SettingsError(faults: ["data_dir: \(dataDirectory) cannot be read: \(reason)"])
    }

    /// As `--print-config` shows them.
    var json: JSONValue {
        [
            "host": .string(host), "port": .int(Int64(port)), "data_dir": .string(dataDirectory),
            "plugins": .array(pluginDirectories.map { .string($0) }),
            "plugin_files": .array(pluginFiles.map { .string($0) }), "plugin_secret_files": pluginSecrets.json,
            "plugin_library_directories": .array(pluginLibraryDirectories.map { .string($0) }),
            "require_confinement": .array(requiredConfinement.map { .string($0) }),
            "step_host_users": .string("\(stepHostUsers.lowerBound)-\(stepHostUsers.upperBound - 1)"),
            "bus": .string(bus.rawValue),
            "kafka": kafka?.json(tokenFile: kafkaTokenFile) ?? .null, "approvals": approvals.json,
            "notifier": notifier.json,
            "tokens": callers.json,
            "insecure": .bool(insecure), "cors_origins": .array(corsOrigins.map { .string($0) }),
            "log_level": .string(logLevel), "stop_grace_ms": .double(stopGrace.milliseconds),
        ]
    }
}

/// Why the settings cannot be used: every fault at once, each with the setting to change. Exit status 78 (EX_CONFIG).
struct SettingsError: Error, CustomStringConvertible {
    var faults: [String]
    var description: String { faults.map { "settings: \($0)" }.joined(separator: "\n") }
}
