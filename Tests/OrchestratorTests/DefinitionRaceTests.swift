import Orchestrator
import Simulation
import Testing
import WorkflowEngine
import WorkflowModel

/// Readers that race with a change, over a journal that holds their answers back.
@Suite("definitions that are changed while they are read", .timeLimit(.minutes(1)))
struct DefinitionRaceTests {
    private struct Desk {
        let clock = ManualWallClock()
        let journal: InMemoryJournal
        let lease: JournalLease

        init() async throws {
            let clock = clock
            journal = InMemoryJournal(now: { clock.now })
            lease = try await journal.acquireLease(shard: 0)
        }

        /// Remembers nothing yet.
        func cold() -> Definitions { Definitions(journal: journal, lease: lease, catalog: ScriptedSteps()) }

        func put(_ deliverable: String, _ definitions: Definitions) async throws -> Int {
            let source = "{name: w, deliverable_type: \(deliverable), steps: [{name: a, function: test.echo}]}"
            let stored = try await definitions.put(Array(source.utf8), format: .yaml, name: nil, now: clock.now)
            return stored.stored.revision
        }

        /// Reads the newest revision cold, and changes it while the answer is on its way.
        func race(_ definitions: Definitions, _ change: () async throws -> Void) async throws {
            journal.holdNextDefinition()
            async let read = definitions.definition(named: "w")
            while journal.heldDefinitionCount == 0 { await Task.yield() }
            try await change()
            journal.releaseDefinitions()
            #expect(try await read.stored.revision == 1)
        }
    }

    @Test("a reader that began before a PUT does not bring the older revision back")
    func put() async throws {
        let desk = try await Desk()
        #expect(try await desk.put("one", desk.cold()) == 1)
        let definitions = desk.cold()
        try await desk.race(definitions) { () async throws in #expect(try await desk.put("two", definitions) == 2) }
        #expect(try await definitions.definition(named: "w").stored.revision == 2)
    }

    @Test("a reader that began before a DELETE does not bring the workflow back")
    func delete() async throws {
        let desk = try await Desk()
        _ = try await desk.put("one", desk.cold())
        let definitions = desk.cold()
        try await desk.race(definitions) { () async throws in #expect(try await definitions.delete("w")) }
        let error = try await #require(throws: OrchestratorError.self) { try await definitions.definition(named: "w") }
        #expect(error.code == .unknownWorkflow)
    }

    @Test("what nothing changes meanwhile is read once")
    func cached() async throws {
        let desk = try await Desk()
        let definitions = desk.cold()
        _ = try await desk.put("one", definitions)
        desk.journal.holdNextDefinition()
        // Would hang if it were read.
        #expect(try await definitions.definition(named: "w").stored.revision == 1)
    }
}
