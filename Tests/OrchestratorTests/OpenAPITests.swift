import Logging
import Simulation
import Testing
import WorkflowEngine
import WorkflowModel

@testable import Orchestrator
@testable import WebServing

@Suite("OpenAPI document")
struct OpenAPITests {
    /// `METHOD path` of what the orchestrator serves, and whether everybody may.
    private static func served() async throws -> [String: Bool] {
        let clock = ManualWallClock()
        let journal = InMemoryJournal(now: { clock.now })
        let steps = ScriptedSteps()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let service = OrchestratorService(
            parts: OrchestratorService.Parts(
                journal: journal, lease: try await journal.acquireLease(shard: 0), runner: steps, catalog: steps,
                publisher: PublisherFake(), clock: clock,
                approvalLinks: ApprovalLinks(key: Array(repeating: 7, count: 32))),
            logger: logger)
        var router = WebRouter()
        let providers: [any RouteProvider] = [
            HealthRegistry(role: "orchestrator"), MetricsRegistry(), ContractRoutes(),
        ]
        for provider in providers + service.routes { provider.addRoutes(to: &router) }
        var operations: [String: Bool] = [:]
        for (path, endpoint) in router.tree.endpoints {
            let isSchema = EventType.allCases.contains { path == "/schemas/events/\($0.rawValue).json" }
            for (method, handling) in endpoint.handlers {
                operations["\(method.rawValue) \(isSchema ? "/schemas/events/{type}.json" : path)"] =
                    handling.access == .everybody
            }
        }
        return operations
    }

    private static func documented() throws -> [String: Bool] {
        var operations: [String: Bool] = [:]
        for (path, item) in try #require(OpenAPIDocument.json["paths"]?.objectValue) {
            for (method, operation) in try #require(item.objectValue) where method != "parameters" {
                operations["\(method.uppercased()) \(path)"] = operation["security"]?.arrayValue == []
            }
        }
        return operations
    }

    @Test("has every operation that is served and no other, and says who needs no token")
    func operations() async throws {
        var documented = try Self.documented()
        // The consumers', whom no orchestrator knows; their rooms' tests hold theirs.
        #expect(documented.removeValue(forKey: "GET /api/v1/workflows/stream/{execution_id}") == false)
        #expect(documented.removeValue(forKey: "GET /api/v1/statistics") == false)
        for path in documented.keys where path.contains(" /api/v1/notifier/") { documented[path] = nil }
        #expect(try await Self.served() == documented)
    }

    @Test("names every code with which a vote is refused")
    func refusals() {
        let paths = OpenAPIDocument.json["paths"]
        let operations = [paths?["/api/v1/executions/{id}/approval"]?["post"], paths?["/approvals/{token}"]?["post"]]
        let text = operations.map { $0?["responses"]?.encodedText ?? "" }.joined()
        for code in VoteRefusal.Code.allCases { #expect(text.contains(code.rawValue), "\(code)") }
    }
}
