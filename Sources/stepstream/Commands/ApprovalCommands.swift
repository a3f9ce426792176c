import ArgumentParser
import NIOHTTP1
import WorkflowModel

struct Approvals: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List approvals, the last one asked for first.")
    @Option(name: .long, help: "Only of this workflow.") var workflow: String?
    @Option(name: .long, help: "pending, granted, rejected, expired or all. Default: pending.") var status: String?
    @Option(name: .long, help: "How many at the most, up to 500.") var limit = 20
    @Flag(name: .long, help: "Print the server's answer as JSON.") var json = false
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        let query = URLText.query([("limit", "\(limit)"), ("workflow", workflow), ("status", status)])
        let answer = try await server.client.call(.GET, "/api/v1/approvals\(query)")
        if json { return try Output.json(answer) }
        try Output.text((answer["items"]?.arrayValue ?? []).map(Self.line))
    }

    /// `EXECUTION  pending  review (gate)  dataset-review  risk 72  until …  approvers: …`
    static func line(_ item: JSONValue) -> String {
        let what = item["step_name"]?.stringValue.map { "\($0) (gate)" } ?? "release"
        var columns = [
            item["execution_id"]?.stringValue ?? "", item["status"]?.stringValue ?? "", what,
            item["workflow"]?.stringValue ?? "", "risk \(item["risk_score"]?.encodedText ?? "0")",
        ]
        if let deadline = item["deadline_at"]?.stringValue { columns.append("until \(deadline)") }
        if let by = item["decided_by"]?.stringValue { columns.append("by \(by)") } else {
            let approvers = (item["approvers"]?.arrayValue ?? []).compactMap(\.stringValue)
            columns.append("approvers: \(approvers.joined(separator: ", "))")
        }
        if let comment = item["comment"]?.stringValue { columns.append(comment) }
        return columns.joined(separator: "  ")
    }
}

/// What `approve` and `reject` take.
struct VoteOptions: ParsableArguments {
    @Argument(help: "The execution's ID.") var execution: String
    @Option(name: .long, help: "Why; stands in the event.") var comment: String?
    @Option(name: .long, help: "JSON file of the form that the approval asks for; - for standard input.")
    var form: String?
    @Option(name: .long, help: "Which approval, when the execution has several.") var approvalId: String?
    @OptionGroup var server: ServerOptions

    func vote(_ decision: String) async throws {
        var body = JSONObject([("decision", .string(decision))])
        if let comment { body["comment"] = .string(comment) }
        if let form { body["form"] = try InputFile.json(form) }
        if let approvalId { body["approval_id"] = .string(approvalId) }
        let answer = try await server.client.call(
            .POST, "/api/v1/executions/\(URLText.segment(execution))/approval", body: JSONValue.object(body).encoded)
        let approvals = (answer["votes"]?.arrayValue ?? []).count { $0["decision"] == "approve" }
        try Output.text(
            "\(answer["approval_id"]?.stringValue ?? "")  \(answer["status"]?.stringValue ?? "")  "
                + "\(approvals) of \(answer["quorum"]?.intValue ?? 1) approvals")
    }
}

struct Approve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Approve what an execution waits for.")
    @OptionGroup var options: VoteOptions
    mutating func run() async throws { try await options.vote("approve") }
}

struct Reject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Reject what an execution waits for.")
    @OptionGroup var options: VoteOptions
    mutating func run() async throws { try await options.vote("reject") }
}
