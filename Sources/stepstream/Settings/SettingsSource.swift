import WorkflowModel
import Yams

/// Where a setting's value comes from: a flag over the environment over the settings file.
///
/// What is of another kind than the setting, or empty, is a fault: one that is silently ignored is worse than none.
struct SettingsSource {
    static let fileDefault = "stepstream.yaml"

    let environment: [String: String]
    let path: String
    private var file: [String: Node] = [:]
    /// Of a group of settings: `kafka.` in messages and the file, `KAFKA_` in the environment.
    private var group: String?

    /// - Parameter path: the file that a flag names.
    init(path flag: String?, environment: [String: String], keys: Set<String>, faults: inout [String]) {
        self.environment = environment
        let named = flag ?? environment["STEPSTREAM_CONFIG"]
        path = named ?? Self.fileDefault
        guard named != "" else {
            let source = flag == nil ? "STEPSTREAM_CONFIG" : "--config"
            faults.append("\(source) is empty; leave it out for \(Self.fileDefault)")
            return
        }
        let text: String
        do throws(InputFileError) { text = try InputFile.text(path) } catch {
            if named != nil || !error.isMissing { faults.append("the settings file \(error)") }
            return
        }
        do {
            if let node = try Yams.compose(yaml: text) {
                take(node, keys, "\(path) is not a mapping of settings", &faults)
            }
        } catch {
            faults.append("\(path) is not YAML: \(error)")
        }
    }

    /// The settings under one key of the file.
    func grouped(_ name: String, keys: Set<String>, _ faults: inout [String]) -> SettingsSource {
        var grouped = self
        grouped.file = [:]
        grouped.group = name
        if let node = file[name] { grouped.take(node, keys, "\(name) in \(path) is not a mapping", &faults) }
        return grouped
    }

    private mutating func take(_ node: Node, _ keys: Set<String>, _ otherwise: String, _ faults: inout [String]) {
        guard let mapping = node.mapping else { return faults.append(otherwise) }
        for (key, value) in mapping {
            let name = key.scalar?.string ?? ""
            if keys.contains(name) { file[name] = value } else {
                let known = keys.sorted().map(qualified).joined(separator: ", ")
                faults.append("\(path): unknown setting \"\(qualified(name))\"; known are: \(known)")
            }
        }
    }

    private func qualified(_ key: String) -> String { (group.map { $0 + "." } ?? "") + key }

    private func variable(_ key: String) -> String {
        "STEPSTREAM_" + ((group.map { $0 + "_" } ?? "") + key).uppercased()
    }

    private func flagName(_ key: String) -> String {
        "--" + ((group.map { $0 + "_" } ?? "") + key).replacing("_", with: "-")
    }

    private func place(_ key: String) -> String { "\(qualified(key)) in \(path)" }

    /// Where a setting is given, by what goes before what: 3 a flag, 2 the environment, 1 the file, 0 nowhere.
    func rank(_ key: String, isFlag: Bool) -> Int {
        if isFlag { return 3 }
        let name = variable(key)
        if environment.keys.contains(where: { $0 == name || $0.hasPrefix(name + "_") }) { return 2 }
        return file[key] == nil ? 0 : 1
    }

    /// Whether anything is said about a setting, or with a key that ends in `_` about any that begins so, in the
    /// environment or the file.
    func isGiven(_ key: String) -> Bool {
        file[key] != nil || environment[variable(key)] != nil
            || environment.keys.contains { $0.hasPrefix(variable(key) + "_") }
    }

    /// The value, and where it stands for a message about it.
    func text(_ flag: String?, _ key: String, _ faults: inout [String]) -> (value: String, source: String)? {
        let found: (value: String, source: String)
        if let flag { found = (flag, flagName(key)) } else if let value = environment[variable(key)] {
            found = (value, variable(key))
        } else if let node = file[key] {
            guard let value = node.settingText else {
                faults.append("\(place(key)) is \(node.kind); \(node.advice)")
                return nil
            }
            found = (value, place(key))
        } else {
            return nil
        }
        guard !found.value.isEmpty else {
            faults.append("\(found.source) is empty; leave it out for the default")
            return nil
        }
        return found
    }

    /// What stands in the file alone.
    func node(_ key: String) -> Node? { file[key] }

    func bool(_ key: String, _ faults: inout [String]) -> Bool? {
        guard let text = text(nil, key, &faults) else { return nil }
        switch text.value {
        case "true", "1": return true
        case "false", "0": return false
        default:
            faults.append("\(text.source) is \"\(text.value)\"; give true or false")
            return nil
        }
    }

    /// A list, or a single value in its place.
    ///
    /// - Parameter flag: the flag's name where it is not the key's, such as the singular of it.
    func list(
        _ flags: [String], _ key: String, flag: String? = nil, separator: Character, _ faults: inout [String]
    ) -> (values: [String], source: String)? {
        let found: (values: [String], source: String)
        if !flags.isEmpty { found = (flags, flag ?? flagName(key)) } else if let value = environment[variable(key)] {
            let entries = value.split(separator: separator, omittingEmptySubsequences: false)
            found = (entries.map(String.init), variable(key))
        } else if let node = file[key] {
            let nodes = node.sequence.map(Array.init) ?? [node]
            guard let values = nodes.texts else {
                faults.append("\(place(key)) is not a list of single values")
                return nil
            }
            found = (values, place(key))
        } else {
            return nil
        }
        guard !found.values.contains("") else {
            faults.append("\(found.source) has an empty entry")
            return nil
        }
        return found
    }

    /// Names and values: a mapping in the file, lines `name=value` in the environment.
    func pairs(_ key: String, _ faults: inout [String]) -> [String: String] {
        var pairs: [String: String] = [:]
        if let text = environment[variable(key)] {
            for line in text.split(whereSeparator: \.isNewline) {
                let parts = line.split(separator: "=", maxSplits: 1).map { String($0.trimming(while: \.isWhitespace)) }
                if parts.count == 2 { pairs[parts[0]] = parts[1] } else {
                    faults.append("\(variable(key)): a line is not name=value: \(parts.first ?? "")")
                }
            }
            return pairs
        }
        guard let node = file[key] else { return [:] }
        guard let mapping = node.mapping else {
            faults.append("\(place(key)) is not a mapping of names to values")
            return [:]
        }
        for (name, value) in mapping {
            if let name = name.scalar?.string, let value = value.settingText { pairs[name] = value } else {
                faults.append("\(place(key)): \(name.scalar?.string ?? "?") has no plain value")
            }
        }
        return pairs
    }
}

extension Node {
    /// A single value as its text; nil for a list, a mapping and for null, which YAML also writes `~`.
    var settingText: String? {
        guard let scalar, !isNull else { return nil }
        return scalar.string
    }

    /// A plain `~`, `null` or nothing at all.
    private var isNull: Bool { scalar != nil && tag == Tag(.null) }

    /// In words, for a message about a value that should be another one.
    var kind: String {
        switch self {
        case .scalar: isNull ? "null" : "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .alias: "an alias"
        }
    }

    fileprivate var advice: String {
        isNull ? "leave it out for the default, or put a text in quotes" : "give a single value"
    }
}

extension [Node] {
    /// The elements' texts; nil when one is no single value.
    var texts: [String]? {
        let texts = compactMap(\.settingText)
        return texts.count == count ? texts : nil
    }
}

extension Substring {
    func trimming(while predicate: (Character) -> Bool) -> Substring {
        var rest = drop(while: predicate)
        while let last = rest.last, predicate(last) { rest.removeLast() }
        return rest
    }
}
