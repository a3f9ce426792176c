import Glibc
import StepHosting
import Testing
import WorkflowEngine
import WorkflowModel

extension StepHostingSuite {
    /// Hostile plugins that want all there is of something: each gets its limit and no more.
    @Suite("limits") struct HostileLimits {
        private static let threadsPerHost = 24
        private static let hostsMax = 2

        private static func limited(_ configuration: inout HostingConfiguration, flags: [String] = []) {
            // In the plugins' folder, because the user may be unable to pass the directories above the build's own.
            configuration.stepHostPath = configuration.pluginDirectories[0] + "/step-host"
            configuration.limits.threadsPerHostMax = threadsPerHost
            configuration.pool.hostsMax = hostsMax
            configuration.confinement.arguments = flags
            configuration.confinement.users = users
        }

        /// Users that nothing else on the machine runs as, so that their tasks are the hosts'.
        private static var users: Range<uid_t> {
            let first = 100_000 + 16 * uid_t(getpid())
            return first..<first + 16
        }

        private static func numbers(_ outcome: StepOutcome) throws -> [Int] {
            let output = try #require(outcome.output, "\(outcome)")
            return output.split { !$0.isNumber }.compactMap { Int($0) }
        }

        @Test("files that are never closed end at the host's own limit, and the host goes on")
        func files() async throws {
            try await HostedPlugins.with("leaks_files") {
                $0.pool.hostsPerPluginMax = 1
            } _: { plugins async throws in
                let first = try Self.numbers(try await plugins.call("leaks_files"))
                #expect(first[0] > 100 && first[0] < 256 && first[1] == Int(EMFILE), "\(first)")
                #expect(try Self.numbers(try await plugins.call("leaks_files")) == [0, Int(EMFILE)])
                #expect(try await plugins.call("leaks_files", "good", input: "[1]").output == "[1]")
                #expect(plugins.hosting.statistics.crashes == 0)
                #expect(plugins.hosting.statistics.spawns == 1)
            }
        }

        /// What every way of starting tasks comes to, for hosts that run as users of their own or as this process's.
        private static func checkBombs(in directory: String) async throws {
            try await HostedPlugins.with(directory: directory) {
                Self.limited(&$0)
            } _: { plugins async throws in
                let pid = getpid()
                let threads = try Self.numbers(try await plugins.call("thread_bomb", input: "1"))
                #expect(threads == [Self.threadsPerHost, Int(EAGAIN)])
                #expect(try await plugins.call("thread_bomb", "good", input: "[1]").output == "[1]")
                #expect(try Self.numbers(try await plugins.call("fork_bomb")) == [0, Int(EPERM)])
                #expect(try await plugins.call("fork_bomb", "good", input: "[1]").output == "[1]")
                #expect(getpid() == pid)
                #expect(plugins.hosting.statistics.crashes == 0)
            }
            // What the host's own count does not see, the kernel counts.
            let flags = ["--limit-threads", "0", "--allow-processes"]
            let tasksMax = Self.threadsPerHost * Self.hostsMax
            // Each on a machine where what the one before started is gone.
            for (plugin, input) in [("thread_bomb", "1"), ("thread_bomb", "2"), ("fork_bomb", "1")] {
                try await HostedPlugins.with(directory: directory) {
                    Self.limited(&$0, flags: flags)
                } _: { plugins async throws in
                    let tasks = try Self.numbers(try await plugins.call(plugin, input: input))
                    let isLimited = tasks[0] > 0 && tasks[0] <= tasksMax && tasks[1] == Int(EAGAIN)
                    #expect(isLimited, "\(plugin) \(input): \(tasks)")
                    #expect(try await plugins.call(plugin, "good", input: "[1]").output == "[1]")
                }
            }
        }

        private static func makeBombs() async throws -> String {
            let directory = try HostedPlugins.makeDirectory()
            for bomb in ["thread_bomb", "fork_bomb"] { try await HostedPlugins.compile(bomb, into: directory + "/plugins") }
            let copied = await HostedPlugins.shell("cp '\(HostedPlugins.stepHostPath)' '\(directory)/plugins/step-host'")
            try #require(copied == 0)
            return directory
        }

        @Test(
            "threads and forks end at the limit for a server that runs as root",
            .enabled(if: geteuid() == 0, "only root can change to another user"))
        func bombsAsRoot() async throws {
            let directory = try await Self.makeBombs()
            defer { HostedPlugins.remove(directory) }
            try await Self.checkBombs(in: directory)
        }

        @Test("threads and forks end at the limit for a server that does not run as root")
        func bombsAsUser() async throws {
            await #expect(processExitsWith: .success) {
                let directory = try await HostileLimits.makeBombs()
                defer { HostedPlugins.remove(directory) }
                if geteuid() == 0 {
                    let user = HostileLimits.users.lowerBound
                    try #require(await HostedPlugins.shell("chown -R \(user):\(user) '\(directory)'") == 0)
                    try #require(setgroups(0, nil) == 0 && setgid(user) == 0 && setuid(user) == 0)
                }
                try await HostileLimits.checkBombs(in: directory)
            }
        }

        @Test("what no host knows, and requests outside a call, are refused in the step host")
        func strangeRequests() async throws {
            try await HostedPlugins.with("floods_requests") { plugins async throws in
                let unknown = try await plugins.call("floods_requests", input: "\"unknown\"")
                #expect(unknown.output == "[0,0,1000]")
                #expect(try await plugins.call("floods_requests", input: "\"stranger\"").output == "[0,2,0]")
                #expect(try await plugins.call("floods_requests", "good", input: "[1]").output == "[1]")
            }
        }

        @Test("a token that waits for its answer cannot be used again")
        func tokenReuse() async throws {
            try await HostedPlugins.with("floods_requests") { plugins async throws in
                for _ in 0..<3 {
                    #expect(try await plugins.call("floods_requests", input: "\"token\"").output == "[1,999,0]")
                }
                #expect(try await plugins.call("floods_requests", "good", input: "[1]").output == "[1]")
            }
        }

        @Test("a flood of requests ends in the step host, whether or not the answers are let in")
        func requestFlood() async throws {
            try await HostedPlugins.with("floods_requests", "asks_on") { plugins async throws in
                for _ in 0..<3 {
                    let flood = try await plugins.call("floods_requests", timeout: .seconds(60))
                    #expect(flood.output == "[64,999936,0]")
                }
                #expect(try await plugins.call("floods_requests", "good", input: "[1]").output == "[1]")
                #expect(try await plugins.call("asks_on", timeout: .seconds(60)).output == "10000")
                #expect(try await plugins.call("asks_on", "good", input: "[1]").output == "[1]")
                #expect(plugins.hosting.statistics.crashes == 0)
            }
        }

        @Test("requests written past the host's table are answered until there are more than a step host sends")
        func forgedRequests() async throws {
            try await HostedPlugins.with("forges_requests") { plugins async throws in
                let error = try #require(try await plugins.call("forges_requests", timeout: .seconds(120)).error)
                #expect(error.code == StepErrorCode.protocolViolation)
                #expect(error.message.contains("more frames"), "\(error.message)")
                #expect(try await plugins.call("forges_requests", "good", input: "[1]").output == "[1]")
            }
        }
    }
}
