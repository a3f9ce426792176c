import EventBus
import JournalSQLite
import Logging
import Orchestrator
import ServiceLifecycle
import StepHosting
import WebServing
import WorkflowEngine
import WorkflowModel

/// The orchestrator with its adapters of this machine: SQLite journal, step hosts, the bus.
struct OrchestratorStack {
    let journal: SQLiteJournal
    let hosting: StepHosting
    let publisher: any EventPublisher
    let service: OrchestratorService

    /// Opens the data directory for writing; the journal and the plugins are opened side by side.
    /// - Throws: `JournalError` `locked` when another orchestrator has the directory, and whatever an adapter refuses.
    static func open(settings: Settings, bus: EventBusStack, logger: Logger) async throws -> OrchestratorStack {
        StepHosting.refuseInspection()
        let journal = try SQLiteJournal(at: settings.dataDirectory, logger: logger)
        let publisher = try await bus.publisher()
        let activity = ActivityEncoder(publisher: publisher, clock: SystemWallClock())
        var configuration = HostingConfiguration(
            pluginDirectories: settings.pluginDirectories, dataDirectory: settings.dataDirectory,
            stepHostPath: Settings.stepHostPath)
        configuration.pool.hostsPerPluginMax = 2 * Platform.coreCount
        // A Swift runtime takes a thread for each core, and more for what blocks.
        configuration.limits.threadsPerHostMax = max(
            configuration.limits.threadsPerHostMax, 4 * Platform.coreCount)
        configuration.confinement.writablePaths = settings.pluginFiles
        configuration.confinement.libraryDirectories = settings.pluginLibraryDirectories
        configuration.confinement.required = settings.requiredConfinement
        configuration.confinement.users = settings.stepHostUsers
        configuration.secrets = settings.pluginSecrets.secrets
        let hosting = try StepHosting(
            configuration: configuration, logger: logger, activity: { activity.publish($0) })
        try hosting.start()
        let lease = try await journal.acquireLease(shard: 0)
        var service = OrchestratorService.Configuration()
        service.stopGrace = settings.stopGrace
        let orchestrator = OrchestratorService(
            parts: OrchestratorService.Parts(
                journal: journal, lease: lease, runner: hosting, catalog: hosting, publisher: publisher,
                deadLetters: bus.deadLetters, clock: SystemWallClock(), approvalLinks: settings.approvals.links,
                people: settings.callers.people),
            configuration: service, logger: logger)
        return OrchestratorStack(journal: journal, hosting: hosting, publisher: publisher, service: orchestrator)
    }

    func registerHealth(_ registry: HealthRegistry) {
        service.registerHealth(registry)
        registry.register("plugins") { [hosting] in
            let (plugins, failed) = (hosting.plugins, hosting.failures)
            let confinements = Set(plugins.compactMap(\.confinement)).map(\.description).sorted()
            return PartHealth(
                isHealthy: failed.isEmpty,
                detail: failed.isEmpty ? nil : failed.map { "\($0.path): \($0.message)" }.joined(separator: "; "),
                values: JSONObject([
                    ("loaded", .int(Int64(plugins.count))), ("failed", .int(Int64(failed.count))),
                    ("loading", .array(hosting.loading.map { .string($0) })),
                    ("confinement", .array(confinements.map { .string($0) })),
                ]))
        }
        registry.register("step_hosts") { [hosting] in
            let statistics = hosting.statistics
            return PartHealth(
                isHealthy: statistics.fault == nil, detail: statistics.fault,
                values: JSONObject([
                    ("running", .int(Int64(statistics.hosts))),
                    ("waiting_calls", .int(Int64(statistics.callsQueued))),
                ]))
        }
    }

    /// After the services have ended.
    func close() async {
        await publisher.close()
        await journal.close()
    }
}
