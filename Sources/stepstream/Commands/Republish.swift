import ArgumentParser
import EventBus
import JournalSQLite
import Logging
import WorkflowEngine
import WorkflowModel

struct Republish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish events of the journal to Kafka again, by hand.",
        discussion: """
            For a broker that lost what it had acknowledged. Copies carry the ids and bytes of the first publication. \
            Takes the data directory, so the orchestrator must be stopped: it is the only publisher of the topic.
            """)
    @OptionGroup var options: CommonOptions
    @Option(name: .long, help: "Every event after this position of the journal; 0 is all of them.") var from: Int64?
    @Option(name: .long, help: "The events of this execution only.") var execution: String?

    mutating func validate() throws {
        guard (from == nil) != (execution == nil) else { throw ValidationError("give either --from or --execution") }
        if let from, from < 0 { throw ValidationError("--from counts from 0") }
        if let execution, ExecutionID(execution) == nil {
            throw ValidationError("\(execution) is not an execution ID (a lower-case UUID version 7)")
        }
    }

    mutating func run() async throws {
        let settings = try options.resolve()
        guard settings.bus == .kafka else {
            throw CommandError(
                .settings, "the embedded topic knows what it has and lacks nothing; give --bus kafka to republish there"
            )
        }
        try settings.requireDataDirectory()
        let logger = LogOutput.logger(level: settings.logLevel)
        let journal: SQLiteJournal
        do { journal = try SQLiteJournal(at: settings.dataDirectory, logger: logger) } catch {
            throw CommandError(error.code == .locked ? .settings : .failed, "\(error)")
        }
        do {
            let count = try await publish(from: journal, settings, logger)
            await journal.close()
            try Output.text("\(count) events published again")
        } catch {
            await journal.close()
            throw CommandError(.failed, "\(error)")
        }
    }

    private func publish(from journal: SQLiteJournal, _ settings: Settings, _ logger: Logger) async throws -> Int {
        let bus = try EventBusStack(settings: settings, logger: logger)
        let publisher = try await bus.publisher()
        do {
            let count: Int
            if let execution = execution.flatMap({ ExecutionID($0) }) {
                count = try await publish(execution, journal, publisher)
            } else {
                count = try await publish(after: JournalPosition(rawValue: from ?? 0), journal, publisher)
            }
            await publisher.close()
            await bus.close()
            return count
        } catch {
            await publisher.close()
            await bus.close()
            throw error
        }
    }

    private static let pageMax = 1_000

    private func publish(
        after start: JournalPosition, _ journal: SQLiteJournal, _ publisher: any EventPublisher
    ) async throws -> Int {
        var position = start
        var count = 0
        while true {
            let page = try await journal.events(after: position, shard: 0, limit: Self.pageMax)
            guard let last = page.last else { return count }
            try await publisher.publish(
                page.map { SourcedEvent(position: SourcePosition(rawValue: $0.position.rawValue), event: $0.event) })
            position = last.position
            count += page.count
        }
    }

    private func publish(
        _ execution: ExecutionID, _ journal: SQLiteJournal, _ publisher: any EventPublisher
    ) async throws -> Int {
        var sequence = 0
        while true {
            let page = try await journal.events(of: execution, after: sequence, limit: Self.pageMax)
            guard let last = page.last else {
                if sequence == 0 { throw CommandError(.failed, "the journal has no execution \(execution)") }
                return sequence
            }
            // A bus that stores no position looks at the events alone.
            try await publisher.publish(
                page.map { SourcedEvent(position: SourcePosition(rawValue: Int64($0.sequence)), event: $0) })
            sequence = last.sequence
        }
    }
}
