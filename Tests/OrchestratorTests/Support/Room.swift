import Logging
import Orchestrator
import Simulation
import Testing
import WebServing
import WebTesting
import WorkflowEngine
import WorkflowModel

/// An orchestrator behind a listener on loopback, with a journal in memory, scripted steps and a fake bus.
struct Room {
    let server: TestServer
    let client: TestClient
    let journal: InMemoryJournal
    let steps: ScriptedSteps
    let publisher: PublisherFake
    let clock: ManualWallClock
    let executions: Executions

    static let definitions = [
        "echo": """
            name: echo
            deliverable_type: text
            inputs: { type: object, required: [text], properties: { text: { type: string }, count: { type: integer } } }
            steps:
              - name: say
                function: test.echo
                with: { text: "${{ inputs.text }}" }
            output: "${{ steps.say.output }}"
            """,
        "fail": "{name: fail, deliverable_type: text, steps: [{name: break, function: test.fail}]}",
        "hold": "{name: hold, deliverable_type: text, steps: [{name: hold, function: test.hold}]}",
    ]

    /// Runs the orchestrator with the named definitions stored, and stops it after the body.
    ///
    /// - Parameter journal: one that an earlier process left.
    static func with(
        _ names: String..., over journal: InMemoryJournal? = nil,
        configure: (inout OrchestratorService.Configuration) -> Void = { _ in }, body: (Room) async throws -> Void
    ) async throws {
        let clock = ManualWallClock()
        let journal = journal ?? InMemoryJournal(now: { clock.now })
        let steps = ScriptedSteps()
        let publisher = PublisherFake()
        var configuration = OrchestratorService.Configuration()
        configuration.stopGrace = .zero
        configure(&configuration)
        let service = OrchestratorService(
            parts: OrchestratorService.Parts(
                journal: journal, lease: try await journal.acquireLease(shard: 0), runner: steps, catalog: steps,
                publisher: publisher, clock: clock),
            configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let health = HealthRegistry(role: "test")
        service.registerHealth(health)
        try await TestServer.run(providers: service.routes + [health], services: [service]) { server in
            let room = Room(
                server: server, client: try await server.client(), journal: journal, steps: steps,
                publisher: publisher, clock: clock, executions: service.executions)
            for name in names {
                let reply = try await room.put(name, try #require(definitions[name]))
                try #require(reply.status == 201, "\(reply.text)")
            }
            try await body(room)
        }
    }

    // MARK: Requests

    func put(_ name: String, _ source: String, type: String = "application/yaml") async throws -> TestClient.Reply {
        try await client.request(
            "PUT", "/api/v1/workflows/\(name)", headers: [("content-type", type)], body: source)
    }

    func execute(
        _ workflow: String, _ body: String = "{}", query: String = "?wait=30s", key: String? = nil,
        on client: TestClient? = nil
    ) async throws -> TestClient.Reply {
        let headers = [("content-type", "application/json")] + (key.map { [("idempotency-key", $0)] } ?? [])
        return try await (client ?? self.client).request(
            "POST", "/api/v1/workflows/\(workflow)/execute\(query)", headers: headers, body: body)
    }

    func get(_ path: String) async throws -> TestClient.Reply { try await client.request("GET", path) }

    /// What the orchestrator's part of `/health` says of executions.
    func health() async throws -> JSONValue {
        try await get("/health").json["parts"]?["executions"] ?? .null
    }

    func cancel(_ execution: String, body: String? = nil) async throws -> TestClient.Reply {
        try await client.request(
            "POST", "/api/v1/executions/\(execution)/cancel", headers: [("content-type", "application/json")],
            body: body ?? "")
    }

    func identifier(at offset: Duration = .zero) -> String {
        var random = SystemRandomNumberGenerator()
        return ExecutionID(at: clock.now + offset, using: &random).description
    }
}

extension TestClient.Reply {
    /// The body as JSON; null when it is none.
    var json: JSONValue { (try? JSONValue(parsing: body)) ?? nil }
    func text(_ member: String) -> String? { json[member]?.stringValue }
    /// `[path, code]` of each fault of a problem.
    var faults: [[String]] {
        (json["faults"]?.arrayValue ?? []).map { [$0["path"]?.stringValue ?? "", $0["code"]?.stringValue ?? ""] }
    }
}
