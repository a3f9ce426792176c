import ArgumentParser
import EventBus
import FoundationEssentials
import Glibc
import JournalSQLite
import Logging
import Orchestrator
import StepHosting
import WebServing
import WorkflowEngine
import WorkflowModel

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a definition in this process, without a server.",
        discussion: """
            A whole orchestrator on --data-dir or, without it, on a temporary directory that is kept and named if the \
            run does not complete.
            """)
    @Argument(help: "The definition, YAML or JSON.") var file: String
    @OptionGroup var inputs: InputOptions
    @Option(name: .long, help: "File for the output of a run that completes; - for standard output.")
    var output: String?
    @Option(name: .long, help: "Data directory. Default: a temporary one.") var dataDir: String?
    @Option(name: .long, help: "Directory of plugins; repeatable. Default: plugins beside the executable.")
    var plugins: [String] = []
    @Flag(name: .long, help: "Print the events themselves.") var json = false

    func validate() throws { try OutputOptions.check(output: output, json: json) }

    mutating func run() async throws {
        let target = try OutputOptions.file(output)
        if inputs.isStandardInput, InputFile.isStandardInput(file) {
            throw CommandError(.usage, "the definition and --inputs are both standard input; give one of them a file")
        }
        let definition = try DefinitionFile(file)
        let given = try inputs.value()
        var settings = try SettingsResolver.plugins(plugins)
        if dataDir == "" {
            throw CommandError(.usage, "--data-dir is empty; leave it out for a temporary one")
        }
        let temporary = dataDir == nil ? try TemporaryDirectory.make("stepstream-run") : nil
        settings.dataDirectory = dataDir ?? temporary ?? ""
        let local = LocalRun(settings: settings, logger: LogOutput.logger(level: "warning"))
        let result: LocalRun.Result
        do {
            result = try await local.run(
                definition, inputs: given,
                view: ExecutionView(json: json, outputIsTaken: target?.isStandardOutput == true))
        } catch {
            if let temporary { TemporaryDirectory.remove(temporary) }
            throw error
        }
        var failure: (any Error)?
        if let target, result.status == .completed {
            do { try target.write(result.output ?? .null) } catch { failure = error }
        }
        if let temporary {
            if result.status == .completed, failure == nil { TemporaryDirectory.remove(temporary) } else {
                Output.notice("stepstream: the run's data is kept in \(temporary)")
            }
        }
        if let failure { throw failure }
        if result.status == .waiting {
            Output.notice(
                """
                stepstream: \(result.execution) waits for a decision. It goes on with \
                `stepstream serve --data-dir \(settings.dataDirectory)` and `stepstream approve \(result.execution)`.
                """)
        }
        throw ExitCode(result.status.rawValue)
    }
}

/// One execution by an orchestrator in this process, its events read from the topic as any subscriber would.
struct LocalRun {
    struct Result {
        var execution: ExecutionID
        var status: ExitStatus
        var output: JSONValue?
    }

    let settings: Settings
    let logger: Logger

    func run(
        _ file: DefinitionFile, inputs: JSONValue, view: ExecutionView
    ) async throws -> Result {
        let bus = try EventBusStack(settings: settings, logger: logger)
        let stack = try await OrchestratorStack.open(settings: settings, bus: bus, logger: logger)
        let service = Task { try await stack.service.run() }
        defer { service.cancel() }
        do {
            let result = try await follow(bus, stack, file, inputs, view)
            await close(bus, stack, service)
            return result
        } catch {
            await close(bus, stack, service)
            throw error
        }
    }

    private func follow(
        _ bus: EventBusStack, _ stack: OrchestratorStack, _ file: DefinitionFile, _ inputs: JSONValue,
        _ view: ExecutionView
    ) async throws -> Result {
        let loaded: LoadedDefinition
        do {
            loaded = try await stack.service.definitions.put(
                file.source, format: file.format == .json ? .json : .yaml, name: nil, now: SystemWallClock().now)
        } catch let error as DefinitionError {
            throw file.faults(error)
        }
        if let violations = loaded.definition.inputs?.violations(of: inputs), !violations.isEmpty {
            let lines = violations.map { VisibleText.escaped("  /inputs\($0.path): \($0.message)") }
            throw CommandError(.usage, "the inputs do not fit the schema\n" + lines.joined(separator: "\n"))
        }
        let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .end))
        var random = SystemRandomNumberGenerator()
        let execution = ExecutionID(at: SystemWallClock().now, using: &random)
        let hashes = Dictionary(
            stack.hosting.plugins.map { ($0.name, $0.hash) }, uniquingKeysWith: { first, _ in first })
        let pins = Dictionary(
            loaded.definition.steps.compactMap { step in
                step.function.flatMap { function in hashes[function.plugin].map { (function.plugin, $0) } }
            }, uniquingKeysWith: { first, _ in first })
        let start = Executions.Start(
            command: StartCommand(
                execution: execution, revision: loaded.stored.revision, inputs: inputs, pins: pins,
                startedBy: Caller.local.name),
            definition: loaded.definition, inputsDigest: [], idempotency: nil)
        _ = try await stack.service.executions.start(start, wait: nil)
        var view = view
        while view.finalType == nil, !view.isWaiting {
            let events = try await subscription.next(limit: 256)
            if events.isEmpty { break }
            for delivered in events where delivered.event.executionID == execution {
                try view.take(delivered.event.bytes)
            }
        }
        await subscription.close()
        guard let status = view.finalType.map(ExitStatus.init(finalType:)) ?? (view.isWaiting ? .waiting : nil) else {
            throw CommandError(.failed, "the topic was closed before the end")
        }
        let report = try ExecutionReport(
            execution: execution, definition: loaded.definition,
            records: try await stack.journal.records(of: execution, after: 0))
        return Result(execution: execution, status: status, output: report.output)
    }

    private func close(_ bus: EventBusStack, _ stack: OrchestratorStack, _ service: Task<Void, any Error>) async {
        await stack.service.executions.stop(grace: .zero)
        service.cancel()
        await stack.hosting.shutdown()
        await stack.close()
        await bus.close()
    }
}

/// A directory of this process's own under the system's temporary one.
enum TemporaryDirectory {
    static func make(_ prefix: String) throws -> String {
        let named = ProcessInfo.processInfo.environment["TMPDIR"] ?? ""
        let path = "\(named.isEmpty ? "/tmp" : named)/\(prefix)-\(UUID().uuidString.lowercased())"
        guard mkdir(path, 0o700) == 0 else {
            throw CommandError(
                .settings, "no temporary directory \(path) can be made: \(Platform.text(ofErrno: errno))")
        }
        return path
    }

    static func remove(_ path: String) {
        do { try FileManager.default.removeItem(atPath: path) } catch {
            Output.notice("stepstream: \(path) cannot be removed: \(error)")
        }
    }
}
