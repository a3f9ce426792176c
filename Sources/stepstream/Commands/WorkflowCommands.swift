import ArgumentParser
import Glibc
import NIOHTTP1
import WorkflowModel

struct Workflows: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the stored definitions by name.")
    @Flag(name: .long, help: "Print one JSON object a line.") var json = false
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        let client = try server.client
        var cursor: String?
        repeat {
            let page = try await client.call(
                .GET, "/api/v1/workflows" + URLText.query([("limit", "500"), ("cursor", cursor)]))
            for item in page["items"]?.arrayValue ?? [] {
                if json {
                    try Output.json(item)
                    continue
                }
                let columns = [
                    item["name"]?.stringValue ?? "", "revision \(item["revision"]?.intValue ?? 0)",
                    item["created_at"]?.stringValue ?? "",
                ]
                try Output.text(columns.joined(separator: "  "))
            }
            cursor = page["next"]?.stringValue
        } while cursor != nil
    }
}

struct WorkflowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workflow", abstract: "Look at a stored definition, or delete it.",
        subcommands: [ShowWorkflow.self, DeleteWorkflow.self])
}

struct ShowWorkflow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a stored definition: its inputs and steps, or its text.")
    @Argument(help: "The workflow's name.") var name: String
    @Option(name: .long, help: "Which revision. Default: the newest.") var revision: Int?
    @Flag(name: .long, help: "Print the definition as it was stored.") var source = false
    @Flag(name: .long, help: "Print the server's answer as JSON.") var json = false
    @OptionGroup var server: ServerOptions

    func validate() throws {
        if source, json { throw ValidationError("give --source or --json") }
        if let revision, revision < 1 { throw ValidationError("--revision counts from 1") }
    }

    mutating func run() async throws {
        let stored = try await server.client.call(
            .GET, "/api/v1/workflows/\(URLText.segment(name))"
                + URLText.query([("revision", revision.map { "\($0)" })]))
        if json { return try Output.json(stored) }
        if source { return try Output.data(Array((stored["source"]?.stringValue ?? "").utf8)) }
        var lines = [
            "\(stored["name"]?.stringValue ?? "")  revision \(stored["revision"]?.intValue ?? 0)  "
                + "stored \(stored["created_at"]?.stringValue ?? "")  \(stored["format"]?.stringValue ?? "")"
        ]
        if let inputs = stored["inputs"]?["properties"]?.objectValue, !inputs.isEmpty {
            let required = (stored["inputs"]?["required"]?.arrayValue ?? []).compactMap(\.stringValue)
            let names = inputs.keys.map { required.contains($0) ? $0 : "\($0)?" }
            lines.append("  inputs  " + names.joined(separator: ", "))
        }
        for (place, step) in (stored["steps"]?.arrayValue ?? []).enumerated() {
            lines.append(
                "  \(place + 1). \(step["name"]?.stringValue ?? "")  \(step["function"]?.stringValue ?? "")")
        }
        try Output.text(lines)
    }
}

struct DeleteWorkflow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete stored definitions; their executions stay and go on.")
    @Argument(help: ArgumentHelp("The workflows' names.", valueName: "name")) var names: [String]
    @Flag(name: .long, help: "Do not ask.") var yes = false
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        let client = try server.client
        if !yes {
            guard Platform.isTerminal(STDIN_FILENO) else {
                throw CommandError(
                    .usage, "nobody can be asked here; give --yes to delete \(names.joined(separator: ", "))")
            }
            Output.notice("delete \(names.joined(separator: ", "))? y or n")
            guard readLine()?.lowercased() == "y" else { throw CommandError(.usage, "nothing was deleted") }
        }
        for name in names {
            _ = try await client.call(.DELETE, "/api/v1/workflows/\(URLText.segment(name))")
            try Output.text("deleted  \(name)")
        }
    }
}
