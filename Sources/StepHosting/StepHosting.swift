package import Logging
import Glibc
import NIOPosix
import ServiceLifecycle
import Synchronization
package import WorkflowEngine
package import WorkflowModel

/// Runs steps in confined processes of their own and knows what plugins offer.
///
/// `start` before the first call; `shutdown` (or the end of `run()`) leaves no process behind.
package final class StepHosting: StepRunner, FunctionCatalog, Service {
    private struct Shared {
        var findings = PluginDiscovery.Findings()
        /// By content hash: the current builds and older ones that were called.
        var builds: [String: PluginBuild] = [:]
        var currentHashes: Set<String> = []
        var nextDescriber: UInt64 = 1 << 40
        /// Scans in a row for which the machine did not give every plugin a process.
        var scanFaults = 0
        var isStarted = false
        var isStopped = false
    }

    /// Older builds remembered; beyond it they are read again from the store.
    private static let buildsMax = 256
    private static let threadCount = 4
    /// Codes of plugins that were not found for want of a process, of disk space or of descriptors.
    private static let machineFaults: Set = [PluginDescriber.Fault.hostNotStarted, "store_failed"]
    /// Between two tries of what the machine has not given: the pause doubles up to its ceiling.
    private static let faultPause = Duration.milliseconds(200)
    private static let faultPauseMax = Duration.seconds(10)

    private let configuration: HostingConfiguration
    private let logger: Logger
    private let store: PluginStore
    private let spawner: HostSpawner
    private let reactor: Reactor
    private let fleet: Fleet
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
            directory: configuration.dataDirectory + "/plugins", pluginBytesMax: configuration.limits.pluginBytesMax)
        self.store = store
        folders = HostFolders(dataDirectory: configuration.dataDirectory, threads: threads)
        spawner = HostSpawner(
            path: configuration.stepHostPath, arguments: configuration.stepHostArguments, folders: folders)
        reactor = try Reactor()
        fleet = Fleet(
            configuration: configuration, spawner: spawner, reactor: reactor, metrics: metrics, traces: traces,
            logger: logger, pluginPath: { store.path(of: $0) }, activity: activity)
    }

    /// Finds the plugins and starts their first hosts; returns when the catalog is complete.
    package func start() async throws(HostingError) {
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
        await rescan()
    }

    /// Looks at the plugin directories again. Running executions keep the builds they began with.
    package func rescan() async {
        let findings = await discovery(afterFaults: shared.withLock { $0.scanFaults }).scan()
        let hashes = Set(findings.plugins.map(\.hash))
        shared.withLock { shared in
            shared.findings = findings
            shared.currentHashes = hashes
            for plugin in findings.plugins { shared.builds[plugin.hash] = PluginBuild(plugin) }
        }
        for failure in findings.failures {
            logger.warning(
                "plugin not loaded",
                metadata: ["path": "\(failure.path)", "code": "\(failure.code)", "reason": "\(failure.message)"])
        }
        fleet.setCurrent(hashes)
        scanAgainIfNeeded(findings)
    }

    /// A plugin that the machine gave no process is not the plugin's failure: it is looked at again.
    private func scanAgainIfNeeded(_ findings: PluginDiscovery.Findings) {
        let isFaulty = findings.failures.contains { Self.machineFaults.contains($0.code) }
        let faults = shared.withLock { shared in
            shared.scanFaults = isFaulty ? shared.scanFaults + 1 : 0
            return shared.scanFaults
        }
        guard isFaulty else { return }
        let pause = min(Self.faultPause * (1 << min(faults - 1, 16)), Self.faultPauseMax)
        Task { [weak self] in
            try? await Task.sleep(for: pause)
            guard let self, !shared.withLock({ $0.isStopped }) else { return }
            await rescan()
        }
    }

    package var plugins: [PluginDescription] { shared.withLock { $0.findings.plugins } }
    package var failures: [PluginFailure] { shared.withLock { $0.findings.failures } }
    package var statistics: HostingStatistics { fleet.statistics }

    package func run(_ call: StepCall) async -> StepOutcome {
        let outcome = await named(await outcome(of: call), call)
        metrics.ended(outcome)
        traces.ended(call)
        return configuration.secrets.mask(for: call.function.plugin)?.hide(in: outcome) ?? outcome
    }

    package func trace(of execution: ExecutionID, path: String, attempt: Int) -> AttemptTrace {
        traces.trace(of: execution, path: path, attempt: attempt)
    }

    package func recorded(_ call: StepCall) { traces.recorded(call) }

    /// A crash's frames get the names of the plugin's functions, on a thread that may read the plugin's file.
    private func named(_ outcome: StepOutcome, _ call: StepCall) async -> StepOutcome {
        guard case .failed(var error) = outcome.result, let report = error.diagnostics, CrashReport.isIn(report) else {
            return outcome
        }
        let (path, plugin) = (store.path(of: call.pluginHash), call.function.plugin)
        // Without the threads, at the end, it stays as it is.
        error.diagnostics = (try? await threads.runIfActive {
            CrashReport.named(report, path: path, plugin: plugin)
        }) ?? report
        var named = outcome
        named.result = .failed(error)
        return named
    }

    private func outcome(of call: StepCall) async -> StepOutcome {
        let build: PluginBuild
        do throws(StepError) { build = try await self.build(for: call) } catch {
            return StepOutcome(result: .failed(error))
        }
        if let refusal = build.refusal(of: call) { return StepOutcome(result: .failed(refusal)) }
        let heartbeatTimeout = build.heartbeatTimeout(of: call.function.function)
        switch await fleet.run(call, heartbeatTimeout: heartbeatTimeout) {
        case .ended(let end, let queued):
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
        try await start()
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
        await fleet.stop()
        await reactor.stop()
        await spawner.stop()
        do { try await threads.shutdownGracefully() } catch {
            // Only a second shutdown throws; the threads are gone either way.
        }
        folders.close()
        traces.close()
    }

    // MARK: Parts

    /// Each time that the machine gave no process, the next one has longer to be there.
    private func discovery(afterFaults faults: Int) -> PluginDiscovery {
        var patient = configuration
        patient.timing.hello *= 1 << min(faults, Fleet.helloDoublingsMax)
        return PluginDiscovery(
            configuration: patient, store: store, spawner: spawner, reactor: reactor, threads: threads,
            nextHost: { self.nextDescriber() })
    }

    private func nextDescriber() -> UInt64 {
        shared.withLock { shared in
            defer { shared.nextDescriber += 1 }
            return shared.nextDescriber
        }
    }

    /// What is known of the build a call is pinned to; reads it from the store when it is not a current one.
    private func build(for call: StepCall) async throws(StepError) -> PluginBuild {
        let hash = call.pluginHash
        if let build = shared.withLock({ $0.builds[hash] }) { return build }
        guard store.contains(hash) else {
            throw StepError(
                code: StepErrorCode.functionUnavailable,
                message: "the build \(hash.prefix(12)) of plugin \(call.function.plugin) is not stored any more",
                isRetryable: false)
        }
        let entry = PluginStore.Entry(hash: hash, path: store.path(of: hash))
        var pause = Self.faultPause
        var faults = 0
        while true {
            do throws(PluginDescriber.Fault) {
                let build = PluginBuild(try await discovery(afterFaults: faults).describe(entry, source: entry.path))
                keep(build, hash)
                return build
            } catch where error.code == PluginDescriber.Fault.hostNotStarted {
                fleet.noteStartFailure()
                faults += 1
                if shared.withLock({ $0.isStopped }) { throw FleetStateMachine.Refusal.stopping.error }
                do { try await Task.sleep(for: pause) } catch { throw Self.cancelledWaiting }
                pause = min(pause * 2, Self.faultPauseMax)
            } catch {
                throw StepError(
                    code: StepErrorCode.functionUnavailable,
                    message: "the build \(hash.prefix(12)) of plugin \(call.function.plugin) does not load: "
                        + error.message)
            }
        }
    }

    private func keep(_ build: PluginBuild, _ hash: String) {
        shared.withLock { shared in
            if shared.builds.count >= Self.buildsMax {
                shared.builds = shared.builds.filter { shared.currentHashes.contains($0.key) }
            }
            shared.builds[hash] = build
        }
    }

    private static let cancelledWaiting = StepError(
        code: StepErrorCode.cancelled, message: "the step was cancelled before a host had it", isRetryable: false)
}

extension FleetStateMachine.Refusal {
    var error: StepError {
        switch self {
        case .queueFull:
            StepError(code: StepErrorCode.hostLost, message: "too many calls wait for a step host")
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
