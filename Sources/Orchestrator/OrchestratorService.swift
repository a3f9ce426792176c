package import EventBus
package import Logging
import ServiceLifecycle
import Synchronization
package import WebServing
package import WorkflowEngine
import WorkflowModel

/// The orchestrator as one service: recovery, executions, relay and their routes, over one lease of the journal.
///
/// On a graceful shutdown running steps get their grace, committed events a moment to reach the bus; the rest resumes
/// at the next start.
package final class OrchestratorService: Service {
    package struct Configuration: Sendable {
        package var executions = Executions.Configuration()
        package var relay = Relay.Configuration()
        /// How long running steps may go on after the shutdown began.
        package var stopGrace = Duration.seconds(10)
        /// How long committed events may take to reach the bus after that.
        package var flushGrace = Duration.seconds(2)
        /// How long a request waits for plugins that it names and that are still being looked at.
        package var pluginWaitMax = Duration.seconds(10)
        package init() {}
    }

    /// What the orchestrator is put together from.
    package struct Parts: Sendable {
        package var journal: any Journal
        package var lease: JournalLease
        package var runner: any StepRunner
        package var catalog: any FunctionCatalog
        package var publisher: any EventPublisher
        package var deadLetters: DeadLetterPublisher?
        package var clock: any WallClock
        /// Checks the links by which approvers decide; nil serves none.
        package var approvalLinks: ApprovalLinks?
        /// The names of callers: approvers who are one person each.
        package var people: Set<String>

        package init(
            journal: any Journal, lease: JournalLease, runner: any StepRunner, catalog: any FunctionCatalog,
            publisher: any EventPublisher, deadLetters: DeadLetterPublisher? = nil, clock: any WallClock,
            approvalLinks: ApprovalLinks? = nil, people: Set<String> = []
        ) {
            self.journal = journal
            self.lease = lease
            self.runner = runner
            self.catalog = catalog
            self.publisher = publisher
            self.deadLetters = deadLetters
            self.clock = clock
            self.approvalLinks = approvalLinks
            self.people = people
        }
    }

    package let executions: Executions
    package let definitions: Definitions
    package let relay: Relay
    private let parts: Parts
    private let configuration: Configuration
    private let logger: Logger
    private let recovery = Mutex<Recovery>(.waiting)
    private let fatal: AsyncStream<JournalError>
    private let reportFatal: AsyncStream<JournalError>.Continuation

    private enum Recovery {
        case waiting, running
        case done(count: Int, took: Duration)
        case failed(String)
    }

    package init(parts: Parts, configuration: Configuration = Configuration(), logger: Logger) {
        self.parts = parts
        self.configuration = configuration
        self.logger = logger
        let (fatal, report) = AsyncStream.makeStream(of: JournalError.self, bufferingPolicy: .bufferingOldest(1))
        (self.fatal, reportFatal) = (fatal, report)
        definitions = Definitions(
            journal: parts.journal, lease: parts.lease, catalog: parts.catalog,
            pluginWaitMax: configuration.pluginWaitMax)
        executions = Executions(
            journal: parts.journal, lease: parts.lease, runner: parts.runner, definitions: definitions,
            clock: parts.clock, configuration: configuration.executions, logger: logger,
            onFatal: { report.yield($0) })
        relay = Relay(
            journal: parts.journal, lease: parts.lease, publisher: parts.publisher, deadLetters: parts.deadLetters,
            clock: parts.clock, configuration: configuration.relay, logger: logger)
    }

    /// The role's part of the HTTP surface.
    package var routes: [any RouteProvider] {
        let links = parts.approvalLinks.map { links in
            ApprovalLinkRoutes(
                executions: executions, journal: parts.journal, links: links, people: parts.people, clock: parts.clock)
        }
        return [
            WorkflowRoutes(definitions: definitions, clock: parts.clock),
            ExecuteRoutes(
                executions: executions, definitions: definitions, journal: parts.journal, catalog: parts.catalog,
                clock: parts.clock, pluginWaitMax: configuration.pluginWaitMax),
            ExecutionRoutes(executions: executions, definitions: definitions, journal: parts.journal),
            ApprovalRoutes(executions: executions, journal: parts.journal),
            FunctionRoutes(catalog: parts.catalog),
        ] + [links].compactMap { $0 }
    }

    package func registerHealth(_ registry: HealthRegistry) {
        registry.register("executions") { [self] in await executionsHealth() }
        registry.register("relay") { [self] in relayHealth() }
    }

    /// - Throws: `JournalError` when the journal refuses this process for good.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let relayTask = Task { try await relay.run() }
            let clockTask = Task { await executions.watch() }
            defer { clockTask.cancel() }
            group.addTask { await self.recover() }
            group.addTask {
                for await error in self.fatal { throw error }
            }
            group.addTask {
                try? await gracefulShutdown()
                clockTask.cancel()
                await self.stop(relayTask)
                self.reportFatal.finish()
            }
            // `waitForAll` would wait for the others before it throws what the first of them threw.
            do { while try await group.next() != nil {} } catch {
                relayTask.cancel()
                relay.finish()
                throw error
            }
        }
    }

    private func recover() async {
        recovery.withLock { $0 = .running }
        let start = ContinuousClock.now
        do throws(JournalError) {
            let count = try await executions.recover()
            recovery.withLock { $0 = .done(count: count, took: ContinuousClock.now - start) }
            if count > 0 { logger.notice("executions recovered", metadata: ["count": "\(count)"]) }
        } catch {
            recovery.withLock { $0 = .failed("\(error)") }
            logger.critical("recovery failed", metadata: ["error": "\(error)"])
            reportFatal.yield(error)
        }
    }

    private func stop(_ relayTask: Task<Void, any Error>) async {
        await executions.stop(grace: configuration.stopGrace)
        relay.finish()
        let timeout = Task { [flushGrace = configuration.flushGrace] in
            try await Task.sleep(for: flushGrace)
            relayTask.cancel()
        }
        _ = await relayTask.result
        timeout.cancel()
    }

    private func executionsHealth() async -> PartHealth {
        let left = await executions.left
        let values = JSONObject([
            ("open", .int(Int64(await executions.openCount))), ("delayed", .int(Int64(left.delayed.count))),
            ("stuck", .int(Int64(left.stuck.count))),
        ])
        if await executions.isStopping {
            return PartHealth(isHealthy: false, isReady: false, detail: "stopping", values: values)
        }
        let trouble = Self.trouble("stuck", left.stuck) ?? Self.trouble("not taken up yet", left.delayed)
        return recovery.withLock { recovery in
            switch recovery {
            case .waiting, .running:
                return PartHealth(isHealthy: trouble == nil, detail: trouble ?? "recovering", values: values)
            case .done(let count, let took):
                var values = values
                values["recovered"] = .int(Int64(count))
                values["recovery_ms"] = .double(took.milliseconds)
                return PartHealth(isHealthy: trouble == nil, detail: trouble, values: values)
            case .failed(let detail): return PartHealth(isHealthy: false, isReady: false, detail: detail)
            }
        }
    }

    /// Names the first of the executions; nil when there is none.
    private static func trouble(_ what: String, _ executions: [ExecutionID: String]) -> String? {
        guard let first = executions.min(by: { $0.key < $1.key }) else { return nil }
        let more = executions.count > 1 ? "; and \(executions.count - 1) more" : ""
        return "\(what): \(first.key): \(first.value)\(more)"
    }

    private func relayHealth() -> PartHealth {
        let standing = relay.standing
        let age = standing.oldestUnpublishedAt.map { max(parts.clock.now - $0, .zero).milliseconds } ?? 0
        return PartHealth(
            isHealthy: standing.isReachable, detail: standing.lastError,
            values: JSONObject([
                ("published", .int(Int64(standing.publishedCount))),
                ("backlog_events", .int(Int64(standing.backlogCount))), ("backlog_age_ms", .double(age)),
            ]))
    }
}
