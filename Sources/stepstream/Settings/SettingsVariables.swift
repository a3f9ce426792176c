import WorkflowModel

/// The variables `STEPSTREAM_…` of the environment: one that is misspelt must not be ignored in silence.
struct SettingsVariables {
    private static let prefix = "STEPSTREAM_"
    /// Of commands that talk to a server, and the file's own place.
    private static let others: Set = ["STEPSTREAM_URL", "STEPSTREAM_TOKEN_FILE", "STEPSTREAM_CONFIG"]

    /// Settings that have a variable, by their key; of a group with its name before it.
    var keys: Set<String>
    /// Settings that stand in the file alone: a list or a mapping has no variable.
    var fileOnly: Set<String>

    /// - Returns: variables that are no setting, nor like one: others may use the prefix, as Kubernetes does for a
    ///   service of that name.
    func check(_ environment: [String: String], _ faults: inout [String]) -> [String] {
        let known = Set(keys.map(Self.variable)).union(Self.others)
        let inFile = Dictionary(uniqueKeysWithValues: fileOnly.map { (Self.variable($0), $0) })
        var unknown: [String] = []
        for name in environment.keys.sorted() where name.hasPrefix(Self.prefix) && !known.contains(name) {
            if let key = inFile[name] {
                faults.append("\(name) is no variable; \(key) stands in the settings file alone")
                continue
            }
            var suggestions = Suggestions()
            guard let near = suggestions.nearest(to: name, among: known.sorted()) else {
                unknown.append(name)
                continue
            }
            faults.append("\(name) is no variable; did you mean \(near)?")
        }
        return unknown
    }

    private static func variable(_ key: String) -> String {
        prefix + key.uppercased().replacing(".", with: "_")
    }
}
