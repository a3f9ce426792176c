import StepHosting

/// The settings of what holds step hosts: `plugin_library_directories`, `require_confinement`, `step_host_users`.
struct ConfinementSettings {
    /// As many as a step host takes.
    private static let libraryDirectoriesMax = 64
    /// The kernel's user numbers; the last one stands for none.
    private static let userMax: UInt32 = .max - 1
    private static let usersMax = 65_536
    /// For as many hosts as there may be, for those that are asked what a plugin offers, and for those that are ending.
    private static let usersMin = HostingConfiguration.Pool().hostsMax + 16

    var source: SettingsSource

    func resolve(into settings: inout Settings, _ faults: inout [String]) {
        if let directories = source.list([], "plugin_library_directories", separator: ":", &faults)?.values {
            settings.pluginLibraryDirectories = directories
            for directory in directories where !directory.hasPrefix("/") {
                faults.append("plugin_library_directories names \"\(directory)\"; give absolute paths")
            }
            if directories.count > Self.libraryDirectoriesMax {
                faults.append("plugin_library_directories has \(directories.count) entries; the limit is 64")
            }
        }
        if let required = source.list([], "require_confinement", separator: ",", &faults)?.values {
            settings.requiredConfinement = required
            let known = HostingConfiguration.Confinement.requirements
            for name in required where !known.contains(name) {
                faults.append("require_confinement names \"\(name)\"; give some of: \(known.joined(separator: ", "))")
            }
        }
        if let users = source.text(nil, "step_host_users", &faults) {
            if let range = Self.users(users.value) { settings.stepHostUsers = range } else {
                faults.append(
                    "\(users.source) is \"\(users.value)\"; give the first and the last of at least \(Self.usersMin) "
                        + "user numbers above 0, such as 60800-61055")
            }
        }
    }

    private static func users(_ text: String) -> Range<UInt32>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt32($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first > 0, first <= last, last <= userMax,
            (usersMin...usersMax).contains(Int(last - first) + 1)
        else { return nil }
        return first..<(last + 1)
    }
}
