import ArgumentParser
import EventBus
import WorkflowModel

struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the event topic of a data directory or of Kafka, one event a line.",
        discussion: "Reads the topic as any other process may, beside a running server or without one.")
    @OptionGroup var options: CommonOptions
    @Option(name: .long, help: "Only of this execution.") var execution: String?
    @Flag(name: .long, help: "Go on with what comes.") var follow = false

    mutating func run() async throws {
        let wanted = try execution.map { text in
            guard let id = ExecutionID(text) else {
                throw CommandError(.usage, "\(text) is not an execution ID (a lower-case UUID version 7)")
            }
            return id
        }
        let settings = try options.resolve()
        if settings.bus == .embedded { try settings.requireDataDirectory() }
        let bus = try EventBusStack(settings: settings, logger: LogOutput.logger(level: settings.logLevel))
        guard follow || bus.hasTopic() else {
            throw CommandError(
                .failed, "\(settings.dataDirectory) has no event topic; was a server started on this directory?")
        }
        let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
        while true {
            if !follow, try await isAtEnd(subscription) { break }
            let events = try await subscription.next(limit: 1_000)
            if events.isEmpty { break }
            for delivered in events where wanted == nil || delivered.event.executionID == wanted {
                try Output.data(delivered.event.bytes + [0x0A])
            }
        }
        await subscription.close()
        await bus.close()
    }

    private func isAtEnd(_ subscription: any EventSubscription) async throws -> Bool {
        await subscription.lag ?? 0 == 0
    }
}
