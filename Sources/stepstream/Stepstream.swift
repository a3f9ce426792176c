import ArgumentParser

/// The command line: `stepstream COMMAND`.
@main
struct Stepstream: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stepstream",
        abstract: "Durable workflows of isolated plugins, every event an ordered stream.",
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: "Roles:",
                subcommands: [
                    Serve.self, OrchestratorCommand.self, GatewayCommand.self, MetricsCommand.self,
                    NotifierCommand.self,
                ]),
            CommandGroup(
                name: "Executions:",
                subcommands: [Run.self, Execute.self, Watch.self, List.self, Show.self, Cancel.self, Events.self]),
            CommandGroup(name: "Definitions:", subcommands: [Apply.self, Workflows.self, WorkflowCommand.self]),
            CommandGroup(name: "Approvals:", subcommands: [Approvals.self, Approve.self, Reject.self]),
            CommandGroup(name: "Authors:", subcommands: [Validate.self, PluginCommand.self]),
            CommandGroup(name: "Operating:", subcommands: [Stats.self, Republish.self]),
            CommandGroup(name: "Measuring:", subcommands: [Bench.self]),
        ])

    static func main() async {
        Descriptor.holdStandardStreams()
        Platform.ignoreBrokenPipes()
        DescriptorLimit.raise()
        do {
            var command = try parseAsRoot()
            try RepeatedOptions.refuse(in: Array(CommandLine.arguments.dropFirst()))
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch {
            let status: ExitStatus
            do { status = try Self.report(error) } catch OutputError.closed { Platform.endByBrokenPipe() } catch {
                Output.notice("stepstream: \(error)")
                status = .failed
            }
            Self.exit(withError: ExitCode(status.rawValue))
        }
    }

    /// Says what went wrong, or prints the help that was asked for; gives the exit status.
    private static func report(_ error: any Error) throws -> ExitStatus {
        if let error = error as? OutputError, case .closed = error { throw error }
        if let error = error as? any ExitStatusError {
            Output.notice("stepstream: \(error)")
            return error.exitStatus
        }
        let code = exitCode(for: error)
        let message = fullMessage(for: error)
        if code == .success {
            // The help and the version are output like any other.
            if !message.isEmpty { try Output.data(Array((message + "\n").utf8)) }
            return .completed
        }
        if code == .failure, message.hasPrefix("Error: ") {
            // An error of a room's own, which says itself what it is.
            Output.notice("stepstream: \(message.dropFirst("Error: ".count))")
        } else if !message.isEmpty { Output.notice(message) }
        // The library's own status for a wrong use is another, EX_USAGE.
        return code == .validationFailure ? .usage : ExitStatus(rawValue: code.rawValue) ?? .failed
    }
}

/// What the process's exit status says.
enum ExitStatus: Int32 {
    case completed = 0
    case failed = 1
    /// Usage, or a definition or inputs that cannot be used.
    case usage = 2
    case cancelled = 3
    /// A gate or a release waits for somebody to decide.
    case waiting = 4
    /// The server could not be followed to the execution's end, which is not known.
    case lost = 5
    /// EX_CONFIG of sysexits(3).
    case settings = 78

    /// Of the outcome event that a run ended with.
    init(finalType: String) {
        switch finalType {
        case "execution_completed", "approval_granted": self = .completed
        case "execution_cancelled": self = .cancelled
        default: self = .failed
        }
    }
}

/// An error that knows the exit status it leads to.
protocol ExitStatusError: Error {
    var exitStatus: ExitStatus { get }
}

extension SettingsError: ExitStatusError {
    var exitStatus: ExitStatus { .settings }
}

/// A plain message and its exit status.
struct CommandError: ExitStatusError, CustomStringConvertible {
    var exitStatus: ExitStatus
    var description: String

    init(_ exitStatus: ExitStatus, _ description: String) {
        self.exitStatus = exitStatus
        self.description = description
    }
}
