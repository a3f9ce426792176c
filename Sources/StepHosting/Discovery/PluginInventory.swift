import Synchronization
import WorkflowEngine

/// The plugins found so far, and the files still to be looked at.
///
/// A plugin whose file is called like it is offered at once. One of another name waits until every file was looked at,
/// since the file of that name may be among them. When two files claim one name, neither is offered: which of them is
/// the right one only the operator can say, and a guess would hand one plugin's workflows and secrets to another.
final class PluginInventory: Sendable {
    /// What came of looking at a file.
    enum Finding: Sendable {
        case plugin(PluginDescription)
        case failure(PluginFailure)
    }

    private struct Waiter {
        /// Nil: waits until every file was looked at.
        var plugins: Set<String>?
        var continuation: CheckedContinuation<Void, Never>
    }

    /// What is offered, found anew with each change: every call and every start asks for it.
    private struct Offer {
        var plugins: [PluginDescription] = []
        var failures: [PluginFailure] = []
        var byName: [String: PluginDescription] = [:]
        var byHash: [String: PluginDescription] = [:]
    }

    private struct Shared {
        /// In the order of the directories and of the names in them.
        var files: [String] = []
        var findings: [String: Finding] = [:]
        /// Of directories.
        var failures: [PluginFailure] = []
        var isListed = false
        var isComplete = false
        /// The files whose plugins were offered when the last look ended.
        var offeredBefore: Set<String> = []
        var offer = Offer()
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    private let shared = Mutex(Shared())
    private let directories: [String]
    /// Held while `changed` is told, so that the newest plugins are told last.
    private let telling = Mutex(())
    private let changed: @Sendable ([PluginDescription]) -> Void

    /// - Parameters:
    ///   - directories: where files will be looked for.
    ///   - changed: gets the plugins offered, after each change, one call at a time.
    init(directories: [String], changed: @escaping @Sendable ([PluginDescription]) -> Void) {
        self.directories = directories
        self.changed = changed
    }

    // MARK: From discovery

    /// A new look begins, at these files. Plugins of files that are still there stay offered until they are looked at.
    func begin(_ files: [String], failures: [PluginFailure]) {
        update { shared in
            shared.offeredBefore = shared.isComplete ? Set(shared.offer.plugins.map(\.path)) : []
            shared.isListed = true
            shared.findings = shared.findings.filter { files.contains($0.key) }
            shared.files = files
            shared.failures = failures
            shared.isComplete = false
        }
    }

    /// What came of looking at the file.
    func record(_ path: String, _ finding: Finding) { update { $0.findings[path] = finding } }

    func end() { update { $0.isComplete = true } }

    // MARK: What is known

    var plugins: [PluginDescription] { shared.withLock { $0.offer.plugins } }
    var failures: [PluginFailure] { shared.withLock { $0.failures + $0.offer.failures } }
    func plugin(named name: String) -> PluginDescription? { shared.withLock { $0.offer.byName[name] } }
    /// The plugin of which this is the build that is offered.
    func plugin(hash: String) -> PluginDescription? { shared.withLock { $0.offer.byHash[hash] } }
    /// Files not looked at yet; the directories themselves until their files are known.
    var loading: [String] {
        shared.withLock { shared in
            guard shared.isListed else { return directories }
            return shared.isComplete ? [] : shared.files.filter { shared.findings[$0] == nil }
        }
    }

    /// Waits until each of the plugins is offered, or every file was looked at; no longer than the task is wanted.
    /// Nil: until every file was looked at.
    func loaded(_ plugins: Set<String>?) async {
        let id = shared.withLock { shared in
            defer { shared.nextWaiter += 1 }
            return shared.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = shared.withLock { shared in
                    if Self.isLoaded(plugins, shared) || Task.isCancelled { return true }
                    shared.waiters[id] = Waiter(plugins: plugins, continuation: continuation)
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            shared.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }

    // MARK: Parts

    private func update(_ body: (inout Shared) -> Void) {
        shared.withLock { shared in
            body(&shared)
            shared.offer = Self.offer(shared)
        }
        telling.withLock { _ in changed(plugins) }
        // Whoever waited finds the plugins with their hosts.
        let done = shared.withLock { shared in
            let done = shared.waiters.filter { Self.isLoaded($0.value.plugins, shared) }
            for id in done.keys { shared.waiters[id] = nil }
            return done.values.map(\.continuation)
        }
        for continuation in done { continuation.resume() }
    }

    private static func isLoaded(_ plugins: Set<String>?, _ shared: Shared) -> Bool {
        if shared.isComplete { return true }
        guard let plugins else { return false }
        return plugins.allSatisfy { shared.offer.byName[$0] != nil }
    }

    private static func offer(_ shared: Shared) -> Offer {
        var offer = Offer()
        var paths: [String: [String]] = [:]
        for path in shared.files {
            if case .plugin(let plugin) = shared.findings[path] { paths[plugin.name, default: []].append(path) }
        }
        for path in shared.files {
            switch shared.findings[path] {
            case .failure(let failure): offer.failures.append(failure)
            case .plugin(let plugin):
                let others = (paths[plugin.name] ?? []).filter { $0 != path }
                if !others.isEmpty {
                    let message = "it calls itself \(plugin.name), and so does \(others.joined(separator: ", ")); "
                        + "none of them is loaded until only one is left"
                    offer.failures.append(PluginFailure(path: path, code: "duplicate_name", message: message))
                } else if shared.isComplete || shared.offeredBefore.contains(path)
                    || PluginStore.fileName(of: path) == plugin.name
                {
                    offer.plugins.append(plugin)
                    offer.byName[plugin.name] = plugin
                    offer.byHash[plugin.hash] = offer.byHash[plugin.hash] ?? plugin
                }
            case nil: break
            }
        }
        return offer
    }
}
