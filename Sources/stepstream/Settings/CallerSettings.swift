import WebServing
import WorkflowModel
import Yams

/// The settings under `tokens`: who may call, by a bearer token that stands in a file of its own.
struct CallerSettings: Sendable {
    struct Entry: Sendable {
        var caller: Caller
        var tokenFile: String
    }

    private static let keys: Set = ["name", "token_file", "groups", "roles"]

    private(set) var entries: [Entry] = []
    private(set) var directory = CallerDirectory()

    init() {}

    /// Reads the list and the files it names.
    init(_ source: SettingsSource, _ faults: inout [String]) {
        guard let node = source.node("tokens") else { return }
        guard let list = node.sequence else {
            faults.append("tokens in \(source.path) is not a list of name, token_file, groups, roles")
            return
        }
        for (index, node) in list.enumerated() { read(node, "tokens[\(index)] in \(source.path)", &faults) }
        // An approver is one or the other, never both.
        for name in groups.intersection(entries.map(\.caller.name)).sorted() {
            faults.append("tokens in \(source.path): \(name) is a caller and a group; name one of them otherwise")
        }
    }

    var people: Set<String> { Set(entries.map(\.caller.name)) }

    var groups: Set<String> { entries.reduce(into: []) { $0.formUnion($1.caller.groups) } }

    /// As `--print-config` shows them: without the tokens.
    var json: JSONValue {
        .array(
            entries.map { entry in
                [
                    "name": .string(entry.caller.name), "token_file": .string(entry.tokenFile),
                    "groups": .array(entry.caller.groups.sorted().map { .string($0) }),
                    "roles": .array(entry.caller.roles.map(\.rawValue).sorted().map { .string($0) }),
                ]
            })
    }

    private mutating func read(_ node: Node, _ place: String, _ faults: inout [String]) {
        guard let mapping = node.mapping else { return faults.append("\(place) is not a mapping") }
        for key in mapping.keys.map({ $0.scalar?.string ?? "" }) where !Self.keys.contains(key) {
            faults.append(
                "\(place): unknown setting \"\(key)\"; known are: \(Self.keys.sorted().joined(separator: ", "))")
        }
        let name = mapping["name"]?.settingText ?? ""
        if name.isEmpty { faults.append("\(place) has no name") }
        if entries.contains(where: { $0.caller.name == name }) {
            faults.append("\(place): \(name) has a token already")
        }
        let groups = texts(mapping["groups"], "groups", place, &faults)
        var roles: Set<CallerRole> = []
        for text in texts(mapping["roles"], "roles", place, &faults) {
            if let role = CallerRole(rawValue: text) { roles.insert(role) } else {
                let known = CallerRole.allCases.map(\.rawValue).joined(separator: ", ")
                faults.append("\(place): there is no role \"\(text)\"; give one of: \(known)")
            }
        }
        guard let file = mapping["token_file"]?.settingText else { return faults.append("\(place) has no token_file") }
        let token: String
        do throws(InputFileError) { token = try InputFile.token(file) } catch {
            return faults.append("\(place): \(error)")
        }
        guard token.utf8.count >= CallerDirectory.tokenBytesMin else {
            return faults.append("\(place): \(file) holds fewer than \(CallerDirectory.tokenBytesMin) characters")
        }
        let caller = Caller(name: name, groups: Set(groups), roles: roles)
        if !directory.add(caller, token: token) { faults.append("\(place): another caller has the same token") }
        entries.append(Entry(caller: caller, tokenFile: file))
    }

    private func texts(_ node: Node?, _ key: String, _ place: String, _ faults: inout [String]) -> [String] {
        guard let node else { return [] }
        guard let sequence = node.sequence else {
            faults.append("\(place): \(key) is not a list")
            return []
        }
        guard let texts = Array(sequence).texts else {
            faults.append("\(place): \(key) has an entry that is no name")
            return []
        }
        return texts
    }
}
