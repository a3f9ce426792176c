import Dispatch
import FixtureCache
import Glibc
import Logging
import StepHosting
import Synchronization
import Testing
import WorkflowEngine
import WorkflowModel

/// Step hosting over plugins compiled from `Tests/HostilePlugins`, in a folder of its own.
struct HostedPlugins {
    let directory: String
    let hosting: StepHosting
    let activity: ActivityLog

    /// A grace of 200 ms keeps the tests of endless loops short.
    static func configuration(_ directory: String) -> HostingConfiguration {
        HostingConfiguration(
            pluginDirectories: [directory + "/plugins"], dataDirectory: directory + "/data",
            stepHostPath: stepHostPath,
            pool: HostingConfiguration.Pool(warmPerPlugin: 1, hostsPerPluginMax: 2),
            timing: HostingConfiguration.Timing(
                hello: .seconds(5), open: .seconds(1), grace: .milliseconds(200), closedChannel: .milliseconds(200)))
    }

    /// Compiles the plugins, runs the body, stops hosting and checks that nothing is left of it.
    static func with(
        _ plugins: String..., log: LogLines = LogLines(), configure: (inout HostingConfiguration) -> Void = { _ in },
        _ body: (HostedPlugins) async throws -> Void
    ) async throws {
        let directory = try Self.makeDirectory()
        defer { remove(directory) }
        for plugin in plugins { try await compile(plugin, into: directory + "/plugins") }
        try await with(directory: directory, log: log, configure: configure, body)
    }

    static func with(
        directory: String, waitsForPlugins: Bool = true, log: LogLines = LogLines(),
        configure: (inout HostingConfiguration) -> Void = { _ in },
        _ body: (HostedPlugins) async throws -> Void
    ) async throws {
        var configuration = configuration(directory)
        configure(&configuration)
        let pidfdsBefore = OpenDescriptors.count(of: "anon_inode:[pidfd]")
        let activity = ActivityLog()
        let hosting = try StepHosting(
            configuration: configuration, logger: Logger(label: "test") { _ in log }, activity: { activity.append($0) })
        try hosting.start()
        if waitsForPlugins { await hosting.discovered() }
        var pipes: Set<String> = []
        func noteProcesses() -> [pid_t] {
            let processes = hosting.statistics.processIDs
            for process in processes {
                pipes.formUnion(["1", "2"].compactMap { OpenDescriptors.link("/proc/\(process)/fd/\($0)") })
            }
            return processes
        }
        var processes = noteProcesses()
        do {
            try await body(HostedPlugins(directory: directory, hosting: hosting, activity: activity))
        } catch {
            await hosting.shutdown()
            throw error
        }
        processes += noteProcesses()
        await hosting.shutdown()
        #expect(hosting.statistics.hosts == 0, "a step host is left")
        for process in Set(processes) { #expect(kill(process, 0) != 0, "process \(process) is left") }
        #expect(OpenDescriptors.zombies().isEmpty, "an ended step host was not collected")
        #expect(OpenDescriptors.count(of: "anon_inode:[pidfd]") == pidfdsBefore, "a process descriptor is left open")
        let left = OpenDescriptors.links().filter { $0.hasPrefix("pipe:") && pipes.contains($0) }
        #expect(left.isEmpty, "a pipe to a step host is left open")
    }

    func call(
        _ plugin: String, _ function: String = "act", input: String = "{}", timeout: Duration = .seconds(10),
        hash: String? = nil
    ) async throws -> StepOutcome {
        let pinned = try hash ?? #require(hosting.plugin(named: plugin), "\(plugin): \(hosting.failures)").hash
        return await hosting.run(
            StepCall(
                execution: Self.execution, workflow: "test", path: "step",
                function: FunctionName(plugin: plugin, function: function), pluginHash: pinned, attempt: 1,
                input: Array(input.utf8), timeout: timeout))
    }

    static let execution: ExecutionID = {
        var random = SystemRandomNumberGenerator()
        return ExecutionID(at: Timestamp(microseconds: 1_767_600_000_000_000), using: &random)
    }()

    // MARK: Files

    /// Beside the test binary, where the build puts products.
    static let stepHostPath: String = {
        let own = OpenDescriptors.link("/proc/self/exe") ?? ""
        return own.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 } + "/stepstream-step-host"
    }()

    static let testsDirectory = "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/")

    static func makeDirectory() throws -> String {
        var template = Array("/tmp/stepstream-hosting-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&template).map { String(cString: $0) })
        // Step hosts leave root and must still reach the plugins.
        chmod(path, 0o755)
        mkdir(path + "/plugins", 0o755)
        return path
    }

    static func remove(_ directory: String) { _ = system("rm -rf '\(directory)'") }

    /// Puts `Tests/HostilePlugins/NAME.c`, or `NAME.cpp`, into the directory as `NAME.so`; its plugin is called NAME.
    /// Compiled once for the same source, flags and name.
    static func compile(_ name: String, as plugin: String? = nil, into directory: String, flags: String = "") async throws {
        let plugin = plugin ?? name
        let folder = "\(testsDirectory)/HostilePlugins"
        let headers = "\(testsDirectory)/../Sources/StepABI/include"
        let isC = access("\(folder)/\(name).c", R_OK) == 0
        let source = "\(folder)/\(name).\(isC ? "c" : "cpp")"
        let own = OpenDescriptors.names(in: folder).filter { $0.hasSuffix(".h") }.sorted().map { "\(folder)/\($0)" }
        let built = try await built(
            FixtureCache.Recipe(
                """
                \(isC ? "cc -std=c11" : "c++ -std=c++17") '\(source)' -D_GNU_SOURCE -shared -fPIC -g -O1 \
                -I '\(headers)' -DFIXTURE_NAME='"\(plugin)"' \(flags) -o '\(plugin).so' -lpthread
                """, compiler: isC ? "cc" : "c++", sources: [source, headers] + own))
        try await copy("\(built)/\(plugin).so", to: "\(directory)/\(plugin).so")
    }

    /// The directory with what the recipe makes.
    static func built(_ recipe: FixtureCache.Recipe) async throws -> String {
        try await inBackground { Result { try FixtureCache.shared.directory(of: recipe) } }.get()
    }

    /// In one step, so that hosting sees the whole file or none.
    static func copy(_ file: String, to place: String) async throws {
        try #require(await shell("cp '\(file)' '\(place).tmp' && mv '\(place).tmp' '\(place)'") == 0)
    }

    static func shell(_ command: String) async -> Int32 { await inBackground { system(command) } }

    /// Runs the body on a thread of its own: a compiler takes seconds, and every test shares the pool's few threads.
    private static func inBackground<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: body()) }
        }
    }
}

/// What running steps told along the way.
final class ActivityLog: Sendable {
    private let entries = Mutex<[StepActivity]>([])
    func append(_ entry: StepActivity) { entries.withLock { $0.append(entry) } }
    var all: [StepActivity] { entries.withLock { $0 } }
}

/// The lines of a log.
final class LogLines: LogHandler, Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }

    var logLevel: Logger.Level {
        get { .trace }
        set { _ = newValue }
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set { _ = newValue }
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set { _ = newValue }
    }

    func log(event: LogEvent) { lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") } }
}

/// This process's descriptors and children, as the kernel lists them.
enum OpenDescriptors {
    static func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    static func names(in directory: String) -> [String] {
        guard let handle = opendir(directory) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            })
        }
        return names
    }

    static func links() -> [String] { names(in: "/proc/self/fd").compactMap { link("/proc/self/fd/\($0)") } }
    static func count(of kind: String) -> Int { links().count { $0 == kind } }

    /// Copies of the file's descriptors, as a child has them that was forked and has not reached its `exec`: whatever
    /// is closed here stays open there. To be closed by the caller.
    static func copies(of path: String) -> [Int32] {
        names(in: "/proc/self/fd").compactMap { Int32($0) }.filter { link("/proc/self/fd/\($0)") == path }
            .map { fcntl($0, F_DUPFD_CLOEXEC, 0) }.filter { $0 >= 0 }
    }

    /// Ended children of this process called like the step host and not collected.
    static func zombies() -> [String] {
        names(in: "/proc").filter { Int($0) != nil }.filter { process in
            guard let file = fopen("/proc/\(process)/stat", "re") else { return false }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 512)
            guard fgets(&line, 512, file) != nil else { return false }
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.contains("(stepstream-step"), let after = text.split(separator: ")").last else { return false }
            let fields = after.split(separator: " ")
            return fields.count > 1 && fields[0] == "Z" && fields[1] == "\(getpid())"
        }
    }
}

extension StepOutcome {
    var output: String? {
        if case .completed(let output) = result { String(decoding: output, as: UTF8.self) } else { nil }
    }
    var error: StepError? { if case .failed(let error) = result { error } else { nil } }
}
