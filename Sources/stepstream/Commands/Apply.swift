import ArgumentParser
import NIOHTTP1
import WorkflowEngine
import WorkflowModel

struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Store definitions on a server, and say what changes.",
        discussion: """
            All files are checked before the first is stored; with a fault in any of them nothing is. A directory \
            stands for the .yaml, .yml and .json files in it. What the server has already, it keeps; what somebody else \
            changed meanwhile is not overwritten.
            """)
    @Argument(
        help: ArgumentHelp(
            "Definitions, YAML or JSON, or directories of them; - for standard input.", valueName: "file"))
    var files: [String]
    @Flag(name: .long, help: "Check and say what would change; store nothing.") var dryRun = false
    @Flag(name: .long, help: "Print one JSON object a line.") var json = false
    @OptionGroup var server: ServerOptions

    func validate() throws { if files.isEmpty { throw ValidationError("give at least one file") } }

    mutating func run() async throws {
        let client = try server.client
        let files = try DefinitionFile.paths(self.files).map { try DefinitionFile($0) }
        let catalog = try await ServerCatalog.read(client)
        let changes = try await self.changes(try Self.check(files, catalog), client)
        for change in changes {
            var stored: Int64?
            if change.isNeeded, !dryRun { stored = try await change.store(client) }
            try show(change, revision: stored)
        }
    }

    /// The definitions by file, all of them sound and each name once.
    private static func check(
        _ files: [DefinitionFile], _ catalog: ServerCatalog
    ) throws -> [(file: DefinitionFile, name: String)] {
        var faults: [String] = []
        var seen: [String: String] = [:]
        var checked: [(file: DefinitionFile, name: String)] = []
        for file in files {
            do throws(DefinitionFaults) {
                let name = try file.read(functions: catalog.lookup).name
                if let earlier = seen.updateValue(file.path, forKey: name) {
                    faults.append("\(file.path): defines \(name), as \(earlier) does")
                }
                checked.append((file, name))
            } catch { faults += error.lines }
        }
        guard faults.isEmpty else { throw DefinitionFaults(lines: faults) }
        return checked
    }

    private func changes(
        _ checked: [(file: DefinitionFile, name: String)], _ client: ServerClient
    ) async throws -> [DefinitionChange] {
        var changes: [DefinitionChange] = []
        for (file, name) in checked {
            let stored: JSONValue?
            do { stored = try await client.call(.GET, "/api/v1/workflows/\(URLText.segment(name))") } catch let error
                as ServerRefusal where error.code == "unknown_workflow"
            {
                stored = nil
            }
            changes.append(DefinitionChange(file: file, name: name, stored: stored))
        }
        return changes
    }

    /// - Parameter revision: what the server made of it; nil when nothing was stored.
    private func show(_ change: DefinitionChange, revision: Int64?) throws {
        if json { return try Output.json(change.json(revision: revision, dryRun: dryRun)) }
        try Output.text(change.line(revision: revision, dryRun: dryRun))
    }
}

/// The functions that a server offers, for checking definitions before they are sent.
struct ServerCatalog {
    private var inputs: [FunctionName: JSONValue?] = [:]

    static func read(_ client: ServerClient) async throws -> ServerCatalog {
        let answer = try await client.call(.GET, "/api/v1/functions")
        var catalog = ServerCatalog()
        for function in (answer["items"]?.arrayValue ?? []).flatMap({ $0["functions"]?.arrayValue ?? [] }) {
            guard let name = function["name"]?.stringValue.flatMap({ FunctionName($0) }) else { continue }
            let input = function["input"]
            catalog.inputs[name] = .some(input?.isNull == false ? input : nil)
        }
        return catalog
    }

    func lookup(_ name: FunctionName) -> FunctionLookup {
        inputs[name].map { .known(input: $0) } ?? .unknown { Array(inputs.keys) }
    }
}
