/// The settings of step hosting.
package struct HostingConfiguration: Sendable {
    /// Where plugins are looked for: every `*.so` directly inside.
    package var pluginDirectories: [String]
    /// `DATA`: plugins are kept in `DATA/plugins`, the hosts' temporary folders in `DATA/run/hosts`.
    package var dataDirectory: String
    /// The step host's binary.
    package var stepHostPath: String
    /// Given to every plugin's `open`: a UTF-8 JSON object.
    package var pluginConfiguration: [UInt8]
    package var pool: Pool
    package var timing: Timing
    package var limits: Limits
    package var confinement: Confinement
    package var secrets: PluginSecrets

    package init(
        pluginDirectories: [String], dataDirectory: String, stepHostPath: String,
        pluginConfiguration: [UInt8] = Array("{}".utf8), pool: Pool = Pool(), timing: Timing = Timing(),
        limits: Limits = Limits(), confinement: Confinement = Confinement(), secrets: PluginSecrets = PluginSecrets()
    ) {
        self.pluginDirectories = pluginDirectories
        self.dataDirectory = dataDirectory
        self.stepHostPath = stepHostPath
        self.pluginConfiguration = pluginConfiguration
        self.pool = pool
        self.timing = timing
        self.limits = limits
        self.confinement = confinement
        self.secrets = secrets
    }

    /// How many step hosts there are.
    package struct Pool: Sendable {
        /// Hosts kept ready for each current plugin.
        package var warmPerPlugin: Int
        package var hostsPerPluginMax: Int
        package var hostsMax: Int
        /// Calls waiting for a host, over all plugins.
        package var queuedCallsMax: Int
        /// A host is replaced after this many calls.
        package var callsPerHostMax: Int
        /// A host whose resident memory exceeds this after a call is replaced.
        package var residentBytesMax: Int
        /// A host above the warm ones is closed after this long without a call.
        package var idleTimeout: Duration

        package init(
            warmPerPlugin: Int = 2, hostsPerPluginMax: Int = 4, hostsMax: Int = 64, queuedCallsMax: Int = 100_000,
            callsPerHostMax: Int = 100_000, residentBytesMax: Int = 512 << 20, idleTimeout: Duration = .seconds(60)
        ) {
            self.warmPerPlugin = warmPerPlugin
            self.hostsPerPluginMax = hostsPerPluginMax
            self.hostsMax = hostsMax
            self.queuedCallsMax = queuedCallsMax
            self.callsPerHostMax = callsPerHostMax
            self.residentBytesMax = residentBytesMax
            self.idleTimeout = idleTimeout
        }
    }

    package struct Timing: Sendable {
        /// From the spawn to HELLO; doubled for each step host in a row that was not there in time.
        package var hello: Duration
        /// Processor time from OPEN to READY: the plugin's constructors and `open`.
        package var open: Duration
        /// The longest wait from OPEN to READY. Whoever waits so long, for a disk say, is tried again and not blamed.
        package var openWaitMax: Duration
        /// From CANCEL to SIGKILL; 2 s is what HashiCorp's go-plugin gives.
        package var grace: Duration
        /// How long a host whose channel closed may take to end before it is killed.
        package var closedChannel: Duration
        /// Between two looks at the memory and the files of a host with a call.
        package var inspection: Duration

        package init(
            hello: Duration = .seconds(5), open: Duration = .seconds(10), openWaitMax: Duration = .seconds(60),
            grace: Duration = .seconds(2), closedChannel: Duration = .milliseconds(500),
            inspection: Duration = .milliseconds(200)
        ) {
            self.hello = hello
            self.open = open
            self.openWaitMax = openWaitMax
            self.grace = grace
            self.closedChannel = closedChannel
            self.inspection = inspection
        }
    }

    package struct Limits: Sendable {
        package var outputBytesMax: Int
        package var errorMessageBytesMax: Int
        package var describeBytesMax: Int
        package var pluginBytesMax: Int
        /// Of each of stdout and stderr of one host.
        package var outputTailBytesMax: Int
        /// Threads a plugin may have at a time in one host; 0: any number. Linux counts tasks by user and not by
        /// process, so what is held against threads and processes started past `pthread_create` is this many for each
        /// of `Pool.hostsMax`, beyond what the hosts' user has on the machine when a plugin is loaded.
        package var threadsPerHostMax: Int
        /// Memory of one host. Held by RLIMIT_DATA and, since that counts no shared memory, by the refusal of such
        /// memory, by RLIMIT_AS with `reservedBytesMax` on top, and while a call runs by a look at what is resident.
        package var memoryBytesMax: Int
        /// Address space beyond `memoryBytesMax`: libraries, and what allocators reserve and do not use. 0: no limit of
        /// the address space, as sanitizers need.
        package var reservedBytesMax: Int
        /// The largest file a host may write.
        package var fileBytesMax: Int
        /// What the temporary folder of one host may hold, looked at each `Timing.inspection` while a call runs: so
        /// much and what can be written in that time.
        package var temporaryBytesMax: Int
        package var temporaryFilesMax: Int
        /// Progress and log entries handed on for one call; more are counted and dropped.
        package var activityPerCallMax: Int
        /// Crashes of one build within `crashWindow` that put it into quarantine.
        package var crashesMax: Int
        package var crashWindow: Duration
        package var quarantine: Duration
        package var quarantineMax: Duration

        package init(
            outputBytesMax: Int = 4 << 20, errorMessageBytesMax: Int = 8 << 10, describeBytesMax: Int = 1 << 20,
            pluginBytesMax: Int = 512 << 20, outputTailBytesMax: Int = 64 << 10, threadsPerHostMax: Int = 128,
            memoryBytesMax: Int = 1 << 30, reservedBytesMax: Int = 2 << 30, fileBytesMax: Int = 64 << 20,
            temporaryBytesMax: Int = 256 << 20, temporaryFilesMax: Int = 10_000,
            activityPerCallMax: Int = 10_000, crashesMax: Int = 5, crashWindow: Duration = .seconds(60),
            quarantine: Duration = .seconds(5), quarantineMax: Duration = .seconds(300)
        ) {
            self.outputBytesMax = outputBytesMax
            self.errorMessageBytesMax = errorMessageBytesMax
            self.describeBytesMax = describeBytesMax
            self.pluginBytesMax = pluginBytesMax
            self.outputTailBytesMax = outputTailBytesMax
            self.threadsPerHostMax = threadsPerHostMax
            self.memoryBytesMax = memoryBytesMax
            self.reservedBytesMax = reservedBytesMax
            self.fileBytesMax = fileBytesMax
            self.temporaryBytesMax = temporaryBytesMax
            self.temporaryFilesMax = temporaryFilesMax
            self.activityPerCallMax = activityPerCallMax
            self.crashesMax = crashesMax
            self.crashWindow = crashWindow
            self.quarantine = quarantine
            self.quarantineMax = quarantineMax
        }
    }

    /// What step hosts are started with beyond their own defaults.
    package struct Confinement: Sendable {
        /// Without which a plugin is not loaded; names as `Confinement.measures` has them.
        package static let requirements = ["no_new_privs", "seccomp", "landlock"]

        /// Further flags of the step host's command line; they win over the limits.
        package var arguments: [String]
        /// What plugins may write besides each host's own temporary folder, at most 16 paths that exist. Their owners
        /// and modes still hold: started as root, a host has become user 65534, which hosts share when there are such
        /// paths.
        package var writablePaths: [String]
        /// Directories of shared libraries besides the system's, at most 64: plugins may read them, and their RUNPATH
        /// may name them. Default: where this program has its Swift runtime from.
        package var libraryDirectories: [String]
        /// Of `requirements`.
        package var required: [String]
        /// The users that hosts become, each one of its own, when the server is root and there are no `writablePaths`.
        /// Linux distributions give out none of the default range (60706 to 61183 are unused by systemd's table of
        /// users and groups).
        package var users: Range<UInt32>

        package init(
            arguments: [String] = [], writablePaths: [String] = [], libraryDirectories: [String]? = nil,
            required: [String] = Confinement.requirements, users: Range<UInt32> = 60_800..<61_056
        ) {
            self.arguments = arguments
            self.writablePaths = writablePaths
            self.libraryDirectories = libraryDirectories ?? RuntimeDirectory.own.map { [$0] } ?? []
            self.required = required
            self.users = users
        }
    }

    /// What a temporary folder may hold.
    var temporaryBudget: FolderUsage.Budget {
        FolderUsage.Budget(
            bytesMax: limits.temporaryBytesMax, filesMax: limits.temporaryFilesMax, fileBytesMax: limits.fileBytesMax)
    }

    /// The step host's command line, without what differs from host to host.
    ///
    /// - Parameter hasOwnUser: whether each host has a user of its own. Linux counts tasks by user, and the watchdog is
    ///   one of them.
    func stepHostArguments(hasOwnUser: Bool) -> [String] {
        let tasksMax = hasOwnUser ? limits.threadsPerHostMax + 1 : limits.threadsPerHostMax * pool.hostsMax
        let addressBytes = limits.reservedBytesMax == 0 ? 0 : limits.memoryBytesMax + limits.reservedBytesMax
        return [
            "--limit-threads", String(limits.threadsPerHostMax),
            "--limit-tasks", String(tasksMax),
            "--limit-data", String(limits.memoryBytesMax), "--limit-address", String(addressBytes),
            "--limit-fsize", String(limits.fileBytesMax),
        ] + confinement.required.flatMap { ["--require", $0] }
            + confinement.libraryDirectories.flatMap { ["--library-path", $0] }
            + confinement.arguments + confinement.writablePaths.flatMap { ["--rw", $0] }
    }
}
