import FoundationEssentials
import Orchestrator
import Simulation
import Synchronization
import Testing
import WebTesting
import WorkflowEngine
import WorkflowModel

@Suite("checks of definitions and inputs")
struct CheckTests {
    /// Offers `test.echo` once somebody has waited for it.
    private final class SlowCatalog: FunctionCatalog {
        private let steps = ScriptedSteps()
        private let isLoaded = Mutex(false)

        var plugins: [PluginDescription] { isLoaded.withLock { $0 } ? steps.plugins : [] }
        var failures: [PluginFailure] { [] }
        var loading: [String] { isLoaded.withLock { $0 } ? [] : ["/test.so"] }
        func loaded(_ plugins: Set<String>) async { isLoaded.withLock { $0 = plugins.contains("test") } }
    }

    @Test("a definition with a fault waits for its plugins, too, and gets no fault for want of them")
    func loadingPlugins() async throws {
        let clock = ManualWallClock()
        let journal = InMemoryJournal(now: { clock.now })
        let lease = try await journal.acquireLease(shard: 0)
        let definitions = Definitions(journal: journal, lease: lease, catalog: SlowCatalog())
        let source = "{name: w, steps: [{name: a, function: test.echo, when: '1 +'}]}"
        let error = try await #require(throws: DefinitionError.self) {
            try await definitions.put(Array(source.utf8), format: .yaml, name: nil, now: clock.now)
        }
        #expect(error.faults.map(\.code) == [.invalidExpression])
    }

    /// Work that doubles with each of thirty levels.
    private static let endless: String = {
        let levels = (0..<30).map { level in
            let next = "{$ref: '#/$defs/d\(level + 1)'}"
            return "d\(level): {allOf: [\(next), \(next)]}"
        }
        return """
            name: endless
            deliverable_type: text
            inputs:
              type: object
              $ref: '#/$defs/d0'
              $defs: {\(levels.joined(separator: ", ")), d30: {}}
            steps: [{name: a, function: test.echo}]
            """
    }()

    @Test("inputs whose check takes too long are refused with the limit, and others are served meanwhile")
    func endlessCheck() async throws {
        try await Room.with("echo") { room in
            #expect(try await room.put("endless", Self.endless).status == 201)
            // More of them than there are threads to serve requests.
            let count = ProcessInfo.processInfo.activeProcessorCount + 1
            let clients = try await (0..<count).asyncMap { _ in try await room.server.client() }
            for client in clients {
                try await client.send(
                    "POST", "/api/v1/workflows/endless/execute", headers: [("content-type", "application/json")],
                    body: "{}")
            }
            let finished = Mutex(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in clients {
                    group.addTask {
                        let reply = try await client.reply()
                        #expect(reply.status == 422 && reply.faults == [["/inputs", "$limit"]])
                        finished.withLock { $0 += 1 }
                    }
                }
                #expect(try await room.execute("echo", #"{"inputs":{"text":"a"}}"#).status == 200)
                #expect(finished.withLock { $0 } < clients.count)
                try await group.waitForAll()
            }
        }
    }
}

extension Range<Int> {
    fileprivate func asyncMap<Element>(_ transform: (Int) async throws -> Element) async rethrows -> [Element] {
        var elements: [Element] = []
        for place in self { elements.append(try await transform(place)) }
        return elements
    }
}
