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

    var client: ServerClient { get throws { try ServerClient(url: url, tokenFile: tokenFile) } }
}

/// How long a lost server is looked for.
struct FollowOptions: ParsableArguments {
    @Option(
        name: .long, help: "How long to look for a server that was lost; then exit status 5. Default: 60s.")
    var retryFor = "60s"

    var duration: Duration {
        get throws {
            guard let duration = Duration(parsing: retryFor) else {
                throw CommandError(.usage, "--retry-for is \"\(retryFor)\"; give a duration such as 10s or 5m")
            }
            return duration
        }
    }
}

/// What `run` and `execute` ask of their flags.
enum OutputOptions {
    /// Events and output in one stream would be neither.
    static func check(output: String?, json: Bool) throws {
        guard json, let output, OutputFile(path: output).isStandardOutput else { return }
        throw ValidationError("--json prints events on standard output; give --output a file")
    }

    /// Where the output goes; looked at before anything runs, so that no run is done again for want of a place.
    static func file(_ output: String?) throws -> OutputFile? {
        let file = output.map { OutputFile(path: $0) }
        if let reason = file?.fault { throw CommandError(.usage, "--output: \(reason)") }
        return file
    }
}

struct Execute: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Start a stored workflow on a server and follow it.")
    @Argument(help: "The workflow's name.") var name: String
    @OptionGroup var inputs: InputOptions
    @Option(name: .long, help: "Idempotency key: the same key starts one execution only.") var key: String?
    @Option(name: .long, help: "File for the output of a run that completes; - for standard output.")
    var output: String?
    @Flag(name: .long, help: "Print the events themselves.") var json = false
    @OptionGroup var follow: FollowOptions
    @OptionGroup var server: ServerOptions

    func validate() throws { try OutputOptions.check(output: output, json: json) }

    /// The key as a header.
    private var headers: [(String, String)] {
        get throws {
            guard let key else { return [] }
            let isHeader = (1...256).contains(key.utf8.count) && key.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
            guard isHeader, key.first != " ", key.last != " " else {
                throw CommandError(.usage, "--key is \"\(key)\"; give 1 to 256 ASCII characters on one line")
            }
            return [("idempotency-key", key)]
        }
    }

    mutating func run() async throws {
        // Everything that may be wrong with the flags is found before the server is asked for anything.
        guard !name.isEmpty else { throw CommandError(.usage, "the workflow's name is empty") }
        let target = try OutputOptions.file(output)
        let retryFor = try follow.duration
        let headers = try headers
        let client = try server.client
        let body: JSONValue = ["inputs": try inputs.value()]
        let started = try await client.call(
            .POST, "/api/v1/workflows/\(URLText.segment(name))/execute", body: body.encoded,
            headers: headers)
        guard let execution = started["execution_id"]?.stringValue else {
            throw CommandError(.failed, "the server's answer has no execution_id")
        }
        if !json { Output.notice("execution \(execution)") }
        var follower = ExecutionFollower(
            client: client, execution: execution, retryFor: retryFor, isKnown: true)
        let status = try await follower.run(
            after: 0, view: ExecutionView(json: json, outputIsTaken: target?.isStandardOutput == true))
        if let target, status == .completed {
            let report = try await client.call(.GET, "/api/v1/executions/\(execution)")
            try target.write(report["output"] ?? .null)
        }
        throw ExitCode(status.rawValue)
    }
}

struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Follow an execution to its end.")
    @Argument(help: "The execution's ID.") var execution: String
    @Option(name: .long, help: "Begin after this sequence number.") var after = 0
    @Flag(name: .long, help: "Print the events themselves.") var json = false
    @OptionGroup var follow: FollowOptions
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        var follower = ExecutionFollower(
            client: try server.client, execution: execution, retryFor: try follow.duration)
        throw ExitCode(try await follower.run(after: after, view: ExecutionView(json: json)).rawValue)
    }
}

struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List executions, newest first.")
    @Option(name: .long, help: "Only of this workflow.") var workflow: String?
    @Option(name: .long, help: "Only with this status.") var status: String?
    @Option(name: .long, help: "How many at the most, up to 500.") var limit = 20
    @Flag(name: .long, help: "Print the server's answer as JSON.") var json = false
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        let query = URLText.query([("limit", "\(limit)"), ("workflow", workflow), ("status", status)])
        let answer = try await server.client.call(.GET, "/api/v1/executions\(query)")
        if json { return try Output.json(answer) }
        try Output.text(
            (answer["items"]?.arrayValue ?? []).map { item in
                ["execution_id", "status", "started_at", "workflow"].map { item[$0]?.stringValue ?? "" }
                    .joined(separator: "  ")
            })
    }
}

struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show an execution: steps, attempts, inputs and outputs.")
    @Argument(help: "The execution's ID.") var execution: String
    @Flag(name: .long, help: "Print the server's answer as JSON.") var json = false
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        let report = try await server.client.call(.GET, "/api/v1/executions/\(URLText.segment(execution))")
        if json { try Output.json(report) } else { try Output.text(ReportText.lines(report)) }
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
            .POST, "/api/v1/executions/\(URLText.segment(execution))/cancel", body: body.encoded)
        try Output.text("\(execution)  \(answer["status"]?.stringValue ?? "")  cancel requested")
    }
}
