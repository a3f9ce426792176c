import Glibc
import NIOPosix
import WorkflowEngine

/// Finds the plugins in the configured directories, stores them and learns what they offer.
struct PluginDiscovery: Sendable {
    static let pluginsMax = 1_000
    /// Files examined at a time that were not begun long ago.
    private static let concurrentMax = 8
    /// After so long a file's place is given to the next one: its plugin waits for something, and computes nothing that
    /// others would be slowed by.
    private static let placeTime = Duration.seconds(2)
    /// Files examined at a time, and so throw-away processes.
    private static let processesMax = 64

    let configuration: HostingConfiguration
    let store: PluginStore
    let describer: PluginDescriber
    /// Reads and hashes files, so that no thread of the cooperative pool waits for a disk.
    let threads: NIOThreadPool
    /// Told of each process that the machine did not give.
    let startFailed: @Sendable (_ reason: String) -> Void
    let isStopped: @Sendable () -> Bool

    /// Between two tries of what the machine has not given: the pause doubles up to its ceiling.
    private static let faultPause = Duration.milliseconds(200)
    private static let faultPauseMax = Duration.seconds(10)

    /// Looks at every file, and tells of each as soon as it was looked at: a plugin that does not open in time delays
    /// nobody else's.
    func scan(_ inventory: PluginInventory) async {
        var unreadable: [PluginFailure] = []
        let files = await listing(&unreadable)
        inventory.begin(files, failures: unreadable)
        let (places, given) = AsyncStream.makeStream(of: Void.self)
        for _ in 0..<Self.concurrentMax { given.yield() }
        await withTaskGroup(of: Void.self) { group in
            var place = places.makeAsyncIterator()
            for (index, path) in files.enumerated() {
                if index >= Self.processesMax { await group.next() }
                guard await place.next() != nil, !Task.isCancelled else { break }
                group.addTask {
                    let late = Task {
                        try await Task.sleep(for: Self.placeTime)
                        given.yield()
                    }
                    let finding = await examine(path)
                    late.cancel()
                    // Thrown: the place was not given back yet.
                    do { try await late.value } catch { given.yield() }
                    // What an end of hosting interrupted tells nothing of the plugin.
                    if !Task.isCancelled { inventory.record(path, finding) }
                }
            }
        }
        inventory.end()
    }

    /// What a stored build offers, without its process when it was asked before.
    func describe(_ entry: PluginStore.Entry, source: String) async throws(PluginDescriber.Fault) -> PluginDescription {
        let reader = DescriptionReader(bytesMax: configuration.limits.describeBytesMax)
        if let bytes = await onThread({ store.cachedDescription(of: entry.hash, bytesMax: reader.bytesMax) }),
            let plugin = try? reader.read(bytes, hash: entry.hash, path: source)
        {
            return plugin
        }
        let described = try await described(entry.path)
        var plugin: PluginDescription
        do throws(DescriptionReader.Fault) {
            plugin = try reader.read(described.bytes, hash: entry.hash, path: source)
        } catch {
            throw PluginDescriber.Fault(code: "describe_invalid", message: error.message)
        }
        plugin.confinement = described.confinement
        await onThread { store.cache(described.bytes, of: entry.hash) }
        return plugin
    }

    /// What the plugin says of itself in a process of its own. That the machine gives none says nothing of the plugin:
    /// it is waited for, and each time the process has longer to be there.
    /// - Throws: `hostNotStarted` and `interrupted` only when the task is cancelled or hosting ends.
    private func described(_ path: String) async throws(PluginDescriber.Fault) -> PluginDescriber.Described {
        var pause = Self.faultPause
        var faults = 0
        while true {
            do throws(PluginDescriber.Fault) {
                return try await describer.describe(path, helloDoublings: min(faults, Fleet.helloDoublingsMax))
            } catch {
                guard error.code == PluginDescriber.Fault.hostNotStarted, !isStopped(), !Task.isCancelled else {
                    throw error
                }
                startFailed(error.message)
            }
            // Cancelled, it ends at the next failure.
            try? await Task.sleep(for: pause)
            faults += 1
            pause = min(pause * 2, Self.faultPauseMax)
        }
    }

    /// Keeps the file in the store; a store that cannot be written, a full disk say, is waited for.
    private func installed(_ path: String) async -> Result<PluginStore.Entry, PluginStore.Fault> {
        var pause = Self.faultPause
        while true {
            let result: Result<PluginStore.Entry, PluginStore.Fault> = await onThread {
                Result { () throws(PluginStore.Fault) in try store.install(path) }
            }
            guard case .failure(let fault) = result, fault.code == PluginStore.Fault.storeFailed, !isStopped(),
                !Task.isCancelled
            else { return result }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.faultPauseMax)
        }
    }

    private func examine(_ path: String) async -> PluginInventory.Finding {
        switch await installed(path) {
        case .failure(let fault): return .failure(PluginFailure(path: path, code: fault.code, message: fault.message))
        case .success(let entry):
            do throws(PluginDescriber.Fault) {
                return .plugin(try await describe(entry, source: path))
            } catch {
                return .failure(PluginFailure(path: path, code: error.code, message: error.message))
            }
        }
    }

    private func listing(_ failures: inout [PluginFailure]) async -> [String] {
        var files: [String] = []
        for directory in configuration.pluginDirectories {
            let names = await onThread { Self.names(in: directory) }
            guard let names else {
                failures.append(
                    PluginFailure(
                        path: directory, code: "directory_unreadable", message: "the plugin directory cannot be read"))
                continue
            }
            files += names.filter { $0.hasSuffix(".so") && !$0.hasPrefix(".") }.sorted().map { "\(directory)/\($0)" }
        }
        if files.count > Self.pluginsMax {
            failures.append(
                PluginFailure(
                    path: files[Self.pluginsMax], code: "too_many_plugins",
                    message: "there are \(files.count) plugins; the limit is \(Self.pluginsMax)"))
        }
        return Array(files.prefix(Self.pluginsMax))
    }

    private static func names(in directory: String) -> [String]? {
        guard let handle = opendir(directory) else { return nil }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            })
        }
        return names
    }

    private func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        // Only a pool that is shut down throws; then the work is done where we are.
        if let value = try? await threads.runIfActive({ body() }) { return value }
        return body()
    }
}
