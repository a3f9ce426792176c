import FoundationEssentials
import Simulation
import Synchronization
import Testing
import WebTesting
import WorkflowEngine
import WorkflowModel

@testable import Orchestrator

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

    private static let now = ManualWallClock().now

    private static func definitions(_ catalog: any FunctionCatalog) async throws -> Definitions {
        let journal = InMemoryJournal(now: { now })
        return Definitions(journal: journal, lease: try await journal.acquireLease(shard: 0), catalog: catalog)
    }

    @Test("a definition with a fault waits for its plugins, too, and gets no fault for want of them")
    func loadingPlugins() async throws {
        let definitions = try await Self.definitions(SlowCatalog())
        let source = "{name: w, steps: [{name: a, function: test.echo, when: '1 +'}]}"
        let error = try await #require(throws: DefinitionError.self) {
            try await definitions.put(Array(source.utf8), format: .yaml, name: nil, now: Self.now)
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

    @Test("inputs whose check takes too long are refused with the limit")
    func endlessCheck() async throws {
        try await Room.with { room in
            #expect(try await room.put("endless", Self.endless).status == 201)
            let reply = try await room.execute("endless")
            #expect(reply.status == 422 && reply.faults == [["/inputs", "$limit"]])
        }
    }

    private final class Count: Sendable {
        private let value = Mutex(0)
        var now: Int { value.withLock { $0 } }
        func add() { value.withLock { $0 += 1 } }
    }

    @Test("long checks leave the threads of other tasks alone")
    func longChecks() async throws {
        let definitions = try await Self.definitions(ScriptedSteps())
        let endless = try DefinitionReader.read(Array(Self.endless.utf8)) { _ in .unchecked }
        let (begun, finished) = (Count(), Count())
        // One more than there are threads: were they taken, the last one would begin after another has finished.
        let count = ProcessInfo.processInfo.activeProcessorCount + 1
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<count {
                group.addTask {
                    begun.add()
                    let violations = await definitions.violations(of: [:], in: endless)
                    #expect(violations.map(\.keyword) == ["$limit"])
                    finished.add()
                }
            }
            while begun.now < count { await Task.yield() }
            #expect(finished.now == 0)
        }
    }
}
