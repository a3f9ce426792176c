package import Logging
import Glibc
import NIOPosix
import ServiceLifecycle
import StepABI
import Synchronization
package import WorkflowEngine
package import WorkflowModel

/// Runs steps in confined processes of their own and knows what plugins offer.
///
/// `start` before the first call; `shutdown` (or the end of `run()`) leaves no process behind.
package final class StepHosting: StepRunner, FunctionCatalog, Service {
    private struct Shared {
        /// By content hash: the current builds and older ones that were called.
        var builds: [String: PluginBuild] = [:]
        /// The look at the plugin directories that is under way; the next one begins after it.
        var discovery: Task<Void, Never>?
        var isStarted = false
        var isStopped = false
    }

    /// Older builds remembered; beyond it they are read again from the store.
    private static let buildsMax = 256
    private static let threadCount = 4

    private let configuration: HostingConfiguration
    private let logger: Logger
    private let store: PluginStore
    private let spawner: HostSpawner
    private let reactor: Reactor
    private let fleet: Fleet
    private let throwaways: ThrowawayHosts
    private let inventory: PluginInventory
    private let metrics = HostingMetrics()
    private let folders: HostFolders
    private let traces = CallTraces()
    private let threads = NIOThreadPool(numberOfThreads: StepHosting.threadCount)
    private let shared = Mutex(Shared())

    /// - Parameter activity: gets progress and logs of running steps, on a thread that must not be held up.
    /// - Throws: `resources` when the machine gives no descriptors.
    package init(
        configuration: HostingConfiguration, logger: Logger,
        activity: @escaping @Sendable (StepActivity) -> Void = { _ in }
    ) throws(HostingError) {
        self.configuration = configuration
        self.logger = logger
        let store = PluginStore(
            dataDirectory: configuration.dataDirectory, pluginBytesMax: configuration.limits.pluginBytesMax)
        self.store = store
        folders = HostFolders(dataDirectory: configuration.dataDirectory, threads: threads)
        spawner = HostSpawner(configuration: configuration, folders: folders)
        reactor = try Reactor()
        let fleet = Fleet(
            configuration: configuration, spawner: spawner, reactor: reactor, metrics: metrics, traces: traces,
            logger: logger, threads: threads, pluginPath: { store.path(of: $0) }, activity: activity)
        self.fleet = fleet
        throwaways = ThrowawayHosts(
            spawner: spawner, reactor: reactor, tailBytesMax: configuration.limits.outputTailBytesMax)
        inventory = PluginInventory(directories: configuration.pluginDirectories) {
            fleet.setCurrent(Set($0.map(\.hash)))
        }
    }

    /// Keeps this process's memory and descriptors from other processes of its user: the step hosts of a server that is
    /// not root are such processes. Its own crash report and debuggers of the user cannot read it then, either.
    package static func refuseInspection() {
        // Cannot fail with its argument.
        _ = step_refuse_inspection()
    }

    /// Gets ready for calls and begins to look for plugins; returns without waiting for them. A plugin that does not
    /// open holds up neither the start nor the others: `loaded` and `discovered` wait for those that are wanted.
    package func start() throws(HostingError) {
        guard access(configuration.stepHostPath, X_OK) == 0 else {
            throw HostingError(
                .stepHostMissing,
                "\(configuration.stepHostPath) cannot be run: \(String(cString: strerror(errno)))")
        }
        try store.prepare()
        try folders.prepare()
        try traces.open(dataDirectory: configuration.dataDirectory)
        let fleet = fleet
        guard shared.withLock({ shared in
            defer { shared.isStarted = true }
            return !shared.isStarted
        }) else { return }
        threads.start()
        spawner.start()
        reactor.start { fleet.trim() }
        _ = discover()
    }

    /// Looks at the plugin directories again. Running executions keep the builds they began with.
    package func rescan() async { await discover().value }

    /// Waits until every file of the plugin directories was looked at.
    package func discovered() async { await inventory.loaded(nil) }

    package var plugins: [PluginDescription] { inventory.plugins.map(confined) }

    /// With the confinement that its hosts have, where one runs.
    private func confined(_ plugin: PluginDescription) -> PluginDescription {
        var plugin = plugin
        plugin.confinement = fleet.confinement(of: plugin.hash) ?? plugin.confinement
        return plugin
    }

    package func plugin(named name: String) -> PluginDescription? { inventory.plugin(named: name).map(confined) }
    package var failures: [PluginFailure] { inventory.failures }
    package var loading: [String] { inventory.loading }
    package func loaded(_ plugins: Set<String>) async { await inventory.loaded(plugins) }
    package var statistics: HostingStatistics { fleet.statistics }

    package func run(_ call: StepCall) async -> StepOutcome {
        let outcome = await outcome(of: call)
        metrics.ended(outcome)
        traces.ended(call)
        return configuration.secrets.mask(for: call.function.plugin)?.hide(in: outcome) ?? outcome
    }

    package func trace(of execution: ExecutionID, path: String, attempt: Int) -> AttemptTrace {
        traces.trace(of: execution, path: path, attempt: attempt)
    }

    package func recorded(_ call: StepCall) { traces.recorded(call) }

    /// The diagnostics of a crash, with the names of the plugin's functions. What a step that did not crash wrote stays
    /// as it is, even if it looks like the step host's report.
    private func named(_ report: String, _ call: StepCall) async -> String {
        guard CrashReport.isIn(report) else { return report }
        let (path, plugin) = (store.path(of: call.pluginHash), call.function.plugin)
        // Without the threads, at the end, it stays as it is.
        guard let crash = try? await threads.runIfActive({ CrashReport(report, path: path, plugin: plugin) }) else {
            return report
        }
        let mangled = crash.mangled
        var translations: [String: String] = [:]
        if !mangled.isEmpty {
            let translated = await NameTranslator(hosts: throwaways, configuration: configuration)
                .translate(mangled, of: path)
            translations = Dictionary(zip(mangled, translated ?? [])) { $1 }
        }
        return OutputTail.capped(crash.text(translations), bytesMax: 2 * configuration.limits.outputTailBytesMax)
    }

    private func outcome(of call: StepCall) async -> StepOutcome {
        let build: PluginBuild
        do throws(StepError) { build = try await self.build(for: call) } catch {
            return StepOutcome(result: .failed(error))
        }
        if let refusal = build.refusal(of: call) { return StepOutcome(result: .failed(refusal)) }
        guard WireEncoder.fits(call) else {
            let error = StepError(
                code: StepErrorCode.inputTooLarge,
                message: "the input of \(call.input.count) bytes and the checkpoint of \(call.checkpoint.count) do not "
                    + "fit the \(WireEncoder.frameBytesMax) bytes that a step host takes",
                isRetryable: false)
            return StepOutcome(result: .failed(error))
        }
        let heartbeatTimeout = build.heartbeatTimeout(of: call.function.function)
        switch await fleet.run(
            call, heartbeatTimeout: heartbeatTimeout,
            ownsSecrets: build.fileNames.contains(call.function.plugin))
        {
        case .ended(var end, let queued):
            if case .died(.signal) = end.result, let report = end.diagnostics {
                end.diagnostics = await named(report, call)
            }
            return CallVerdict(limits: configuration.limits, timeout: call.timeout, heartbeatTimeout: heartbeatTimeout)
                .outcome(of: end, queuedNanoseconds: queued)
        case .refused(let refusal, let queued):
            return StepOutcome(result: .failed(refusal.error), queuedMilliseconds: Double(queued) / 1e6)
        case .withdrawn(let queued):
            return StepOutcome(result: .failed(Self.cancelledWaiting), queuedMilliseconds: Double(queued) / 1e6)
        }
    }

    /// Runs until the service group shuts down gracefully.
    package func run() async throws {
        try start()
        // An error here means only that the task was cancelled outright; the processes go either way.
        try? await gracefulShutdown()
        await shutdown()
    }

    /// Stops what runs, closes every host and waits until all are gone.
    package func shutdown() async {
        guard shared.withLock({ shared in
            defer { shared.isStopped = true }
            return shared.isStarted && !shared.isStopped
        }) else { return }
        let discovery = shared.withLock { $0.discovery }
        discovery?.cancel()
        await fleet.stop()
        await throwaways.stop()
        await discovery?.value
        await reactor.stop()
        await spawner.stop()
        do { try await threads.shutdownGracefully() } catch {
            // Only a second shutdown throws; the threads are gone either way.
        }
        folders.close()
        traces.close()
    }

    // MARK: Parts

    private var discovery: PluginDiscovery {
        PluginDiscovery(
            configuration: configuration, store: store,
            describer: PluginDescriber(hosts: throwaways, configuration: configuration), threads: threads,
            startFailed: { [fleet] in fleet.noteStartFailure($0) },
            isStopped: { self.shared.withLock { $0.isStopped } })
    }

    /// One look at the directories after the other.
    private func discover() -> Task<Void, Never> {
        shared.withLock { shared in
            let before = shared.discovery
            let task = Task {
                await withTaskCancellationHandler { await before?.value } onCancel: { before?.cancel() }
                await discovery.scan(inventory)
                // A build's file may have another name now, which decides whose secrets it has.
                self.shared.withLock { $0.builds.removeAll() }
                for failure in inventory.failures {
                    logger.warning(
                        "plugin not loaded",
                        metadata: [
                            "path": "\(failure.path)", "code": "\(failure.code)", "reason": "\(failure.message)",
                        ])
                }
            }
            shared.discovery = task
            return task
        }
    }

    /// What is known of the build a call is pinned to; reads it from the store when it is not a current one.
    private func build(for call: StepCall) async throws(StepError) -> PluginBuild {
        let hash = call.pluginHash
        if let build = shared.withLock({ $0.builds[hash] }) { return build }
        // A call of an execution taken up again may come before discovery has stored what it is pinned to.
        if !store.contains(hash) { await discovered() }
        guard store.contains(hash) else {
            throw StepError(
                code: StepErrorCode.functionUnavailable,
                message: "the build \(hash.prefix(12)) of plugin \(call.function.plugin) is not stored any more",
                isRetryable: false)
        }
        let entry = PluginStore.Entry(hash: hash, path: store.path(of: hash))
        do throws(PluginDescriber.Fault) {
            let current = inventory.plugin(hash: hash)
            let plugin: PluginDescription
            if let current { plugin = current } else {
                plugin = try await discovery.describe(entry, source: entry.path)
            }
            // The name of the file that is there now decides whose secrets a plugin has; an older build, which running
            // executions keep, has those of the names that it was installed from.
            let fileNames = current.map { [PluginStore.fileName(of: $0.path)] } ?? store.fileNames(of: hash)
            let build = PluginBuild(plugin, fileNames: fileNames)
            let currentHashes = Set(inventory.plugins.map(\.hash))
            shared.withLock { shared in
                if shared.builds.count >= Self.buildsMax {
                    shared.builds = shared.builds.filter { currentHashes.contains($0.key) }
                }
                shared.builds[hash] = build
            }
            return build
        } catch where [PluginDescriber.Fault.hostNotStarted, PluginDescriber.Fault.interrupted].contains(error.code) {
            // It waited for a process, or for its answer, until the call was cancelled or hosting ended.
            throw Task.isCancelled ? Self.cancelledWaiting : FleetStateMachine.Refusal.stopping.error
        } catch {
            throw StepError(
                code: StepErrorCode.functionUnavailable,
                message: "the build \(hash.prefix(12)) of plugin \(call.function.plugin) does not load: "
                    + error.message)
        }
    }

    private static let cancelledWaiting = StepError(
        code: StepErrorCode.cancelled, message: "the step was cancelled before a host had it", isRetryable: false)
}

extension FleetStateMachine.Refusal {
    var error: StepError {
        switch self {
        case .quarantined(let nanoseconds):
            StepError(
                code: StepErrorCode.functionUnavailable,
                message: "the plugin crashed too often and is in quarantine",
                retryAfter: .nanoseconds(nanoseconds))
        case .cannotLoad(let message):
            StepError(code: StepErrorCode.functionUnavailable, message: "the plugin cannot be loaded: \(message)")
        case .stopping:
            StepError(code: StepErrorCode.hostLost, message: "the server is stopping; the step will run again")
        }
    }
}
