import ArgumentParser
import FoundationEssentials
import NIOHTTP1
import WorkflowModel

/// How to reach the server.
struct ServerOptions: ParsableArguments {
    @Option(name: .long, help: "The server. Default: $STEPSTREAM_URL, else http://127.0.0.1:8000.")
    var url: String?

    @Option(name: .long, help: "File with the caller's token. Default: $STEPSTREAM_TOKEN_FILE, else none.")
    var tokenFile: String?

    var client: ServerClient { get throws(CommandError) { try ServerClient(url: url, tokenFile: tokenFile) } }
}

struct Execute: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Start a stored workflow on a server and follow it.")
    @Argument(help: "The workflow's name.") var name: String
    @Option(name: .shortAndLong, help: "JSON file of the inputs; - for standard input.") var inputs: String?
    @Option(name: .long, help: "Idempotency key: the same key starts one execution only.") var key: String?
    @Option(name: .long, help: "File for the output; - for standard output.") var output: String?
    @Flag(name: .long, help: "Print the events themselves.") var json = false
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        let body: JSONValue = ["inputs": try InputFile.inputs(inputs)]
        let started = try await server.client.call(
            .POST, "/api/v1/workflows/\(name)/execute", body: body.encoded,
            headers: key.map { [("idempotency-key", $0)] } ?? [])
        guard let execution = started["execution_id"]?.stringValue else {
            throw CommandError(.failed, "the server's answer has no execution_id")
        }
        if !json { Platform.printError("execution \(execution)") }
        let status = try await follow(execution, after: 0, json: json, server.client)
        if let output {
            let report = try await server.client.call(.GET, "/api/v1/executions/\(execution)")
            try OutputFile.write(report["output"] ?? .null, to: output)
        }
        throw ExitCode(status.rawValue)
    }
}

struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Follow an execution to its end.")
    @Argument(help: "The execution's ID.") var execution: String
    @Option(name: .long, help: "Begin after this sequence number.") var after = 0
    @Flag(name: .long, help: "Print the events themselves.") var json = false
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        throw ExitCode(try await follow(execution, after: after, json: json, server.client).rawValue)
    }
}

/// Shows the events to the final one; takes up again where a broken connection ended.
private func follow(_ execution: String, after: Int, json: Bool, _ client: ServerClient) async throws -> ExitStatus {
    var view = ExecutionView(json: json)
    try await client.events(of: execution, after: after) { try view.take($0) }
    guard let final = view.finalType else {
        throw CommandError(.failed, "the stream of \(execution) ended before the execution did; watch it again")
    }
    return ExitStatus(finalType: final)
}

struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List executions, newest first.")
    @Option(name: .long, help: "Only of this workflow.") var workflow: String?
    @Option(name: .long, help: "Only with this status.") var status: String?
    @Option(name: .long, help: "How many at the most, up to 500.") var limit = 20
    @Flag(name: .long, help: "Print the server's answer as JSON.") var json = false
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        var query = "limit=\(limit)"
        if let workflow { query += "&workflow=\(workflow)" }
        if let status { query += "&status=\(status)" }
        let answer = try await server.client.call(.GET, "/api/v1/executions?\(query)")
        if json { return Platform.printLine(answer.encodedText) }
        for item in answer["items"]?.arrayValue ?? [] {
            let columns = ["execution_id", "status", "started_at", "workflow"].map { item[$0]?.stringValue ?? "" }
            Platform.printLine(columns.joined(separator: "  "))
        }
    }
}

struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show an execution: steps, attempts, inputs and outputs.")
    @Argument(help: "The execution's ID.") var execution: String
    @Flag(name: .long, help: "Print the server's answer as JSON.") var json = false
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        let report = try await server.client.call(.GET, "/api/v1/executions/\(execution)")
        Platform.printLine(json ? report.encodedText : ReportText.text(report))
    }
}

struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Cancel an execution.")
    @Argument(help: "The execution's ID.") var execution: String
    @Option(name: .long, help: "Why; stands in the event.") var reason = "cancelled from the command line"
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        let body: JSONValue = ["reason": .string(reason)]
        let answer = try await server.client.call(
            .POST, "/api/v1/executions/\(execution)/cancel", body: body.encoded)
        Platform.printLine("\(execution)  \(answer["status"]?.stringValue ?? "")  cancel requested")
    }
}
