import ApprovalNotifier
import ArgumentParser
import NIOHTTP1
import WorkflowModel

struct NotifierCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notifier", abstract: "Tell approvers by webhook, Slack and mail; what it could not send, again.",
        subcommands: [RunNotifier.self, DeadLetters.self, Resend.self, EnableChannel.self],
        defaultSubcommand: RunNotifier.self)
}

struct RunNotifier: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the role; what `stepstream notifier` alone does.",
        discussion: """
            Its channels are in the settings file under notifier.channels, \(NotifierConfiguration.channelsMax) at \
            most: each has a name, a type (webhook, slack or email) and what the type needs. The guide "Approvals" \
            has an example of each.
            """)
    @OptionGroup var options: SettingsOptions
    mutating func run() async throws { try await options.run(NotifierRole.self) }
}

struct DeadLetters: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters", abstract: "List the messages that a running notifier gave up.")
    @Flag(name: .long, help: "Print one JSON object a line.") var json = false
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        for item in try await Self.all(server.client) {
            if json {
                try Output.json(item)
                continue
            }
            let columns = ["id", "channel", "approval_id", "stage", "died_at", "reason"].map {
                item[$0]?.stringValue ?? ""
            }
            try Output.text(columns.joined(separator: "  "))
        }
    }

    static func all(_ client: ServerClient) async throws -> [JSONValue] {
        var items: [JSONValue] = []
        var cursor: String?
        while true {
            let query = URLText.query([("status", "dead"), ("limit", "500"), ("cursor", cursor)])
            let page = try await client.call(.GET, "/api/v1/notifier/deliveries\(query)")
            items += page["items"]?.arrayValue ?? []
            guard let next = page["next"]?.stringValue else { return items }
            cursor = next
        }
    }
}

struct Resend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send dead letters again.", discussion: "What asks for an approval that is settled stays where it is."
    )
    @Argument(help: "The delivery's ID, as `dead-letters` lists it.") var id: String?
    @Flag(name: .long, help: "All of them.") var all = false
    @OptionGroup var server: ServerOptions

    func validate() throws {
        if (id == nil) == !all { throw ValidationError("give an ID, or --all") }
    }

    mutating func run() async throws {
        let client = try server.client
        guard let id else {
            var resent = 0
            for item in try await DeadLetters.all(client) {
                guard let id = item["id"]?.stringValue else { continue }
                do {
                    try await Self.resend(id, client)
                    resent += 1
                } catch let error as ServerRefusal { Output.notice("\(id): \(error)") }
            }
            return try Output.text("\(resent) sent again")
        }
        try await Self.resend(id, client)
    }

    private static func resend(_ id: String, _ client: ServerClient) async throws {
        _ = try await client.call(.POST, "/api/v1/notifier/deliveries/\(URLText.segment(id))/resend")
    }
}

struct EnableChannel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Send again to a channel that its receiver disabled.")
    @Argument(help: "The channel's name in the settings.") var channel: String
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        _ = try await server.client.call(.POST, "/api/v1/notifier/channels/\(URLText.segment(channel))/enable")
    }
}
