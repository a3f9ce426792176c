import Logging
import Orchestrator
import Simulation
import Synchronization
import WorkflowEngine
import WorkflowModel

/// The executions of one workflow without a listener, over a journal in memory; for tests of what callers within the
/// process do to them.
struct Office {
    let clock: ManualWallClock
    let journal: InMemoryJournal
    let steps: ScriptedSteps
    let executions: Executions
    let fatal = Fatal()
    private let definition: LoadedDefinition

    /// With what the journal refused the process.
    final class Fatal: Sendable {
        private let taken = Mutex<[JournalError]>([])
        var errors: [JournalError] { taken.withLock { $0 } }
        func note(_ error: JournalError) { taken.withLock { $0.append(error) } }
    }

    init(_ source: String, configure: (inout Executions.Configuration) -> Void = { _ in }) async throws {
        let clock = ManualWallClock()
        self.clock = clock
        steps = ScriptedSteps()
        journal = InMemoryJournal(now: { clock.now })
        let lease = try await journal.acquireLease(shard: 0)
        let definitions = Definitions(journal: journal, lease: lease, catalog: steps)
        definition = try await definitions.put(Array(source.utf8), format: .yaml, name: nil, now: clock.now)
        var configuration = Executions.Configuration()
        configure(&configuration)
        executions = Executions(
            journal: journal, lease: lease, runner: steps, definitions: definitions, clock: clock,
            configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onFatal: { [fatal] in fatal.note($0) })
    }

    func start() async throws -> ExecutionID {
        var random = SystemRandomNumberGenerator()
        let execution = ExecutionID(at: clock.now, using: &random)
        _ = try await executions.start(
            Executions.Start(
                command: StartCommand(execution: execution, revision: 1, inputs: [:], pins: [:]),
                definition: definition.definition, inputsDigest: [], idempotency: nil),
            wait: nil)
        return execution
    }

    /// The events that have to do with approvals, once the execution has ended.
    func approvalEvents(of execution: ExecutionID) async throws -> [JSONValue] {
        while await executions.standing(of: execution, wait: .seconds(30)) != nil {}
        return try await journal.events(of: execution, after: 0, limit: 100)
            .filter { $0.type.hasPrefix("approval_") }.map { try JSONValue(parsing: $0.bytes) }
    }
}
