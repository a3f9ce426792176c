import FoundationEssentials
import Yams

/// Where a setting's value comes from: a flag over the environment over the settings file.
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
        guard let data = FileManager.default.contents(atPath: path) else {
            if named != nil { faults.append("the settings file \(path) cannot be read") }
            return
        }
        do {
            if let node = try Yams.compose(yaml: String(decoding: data, as: UTF8.self)) {
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
            guard let name = key.string else { continue }
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

    /// The value, and where it stands for a message about it.
    func text(_ flag: String?, _ key: String) -> (value: String, source: String)? {
        if let flag {
            return (flag, "--" + ((group.map { $0 + "_" } ?? "") + key).replacing("_", with: "-"))
        }
        if let value = environment[variable(key)] { return (value, variable(key)) }
        if let value = file[key]?.scalar?.string { return (value, "\(qualified(key)) in \(path)") }
        return nil
    }

    /// What stands in the file alone.
    func node(_ key: String) -> Node? { file[key] }

    func bool(_ key: String, _ faults: inout [String]) -> Bool? {
        guard let text = text(nil, key) else { return nil }
        switch text.value {
        case "true", "1": return true
        case "false", "0": return false
        default:
            faults.append("\(text.source) is \"\(text.value)\"; give true or false")
            return nil
        }
    }

    func list(_ flags: [String], _ key: String, separator: Character) -> [String]? {
        if !flags.isEmpty { return flags }
        if let value = environment[variable(key)] { return value.split(separator: separator).map(String.init) }
        if let sequence = file[key]?.sequence { return sequence.compactMap { $0.scalar?.string } }
        return file[key]?.scalar.map { [$0.string] }
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
            faults.append("\(qualified(key)) in \(path) is not a mapping of names to values")
            return [:]
        }
        for (name, value) in mapping {
            if let name = name.string, let value = value.scalar?.string { pairs[name] = value } else {
                faults.append("\(qualified(key)) in \(path): \(name.string ?? "?") has no plain value")
            }
        }
        return pairs
    }
}

extension Substring {
    fileprivate func trimming(while predicate: (Character) -> Bool) -> Substring {
        var rest = drop(while: predicate)
        while let last = rest.last, predicate(last) { rest.removeLast() }
        return rest
    }
}
