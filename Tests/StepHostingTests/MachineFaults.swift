import Glibc
import StepHosting
import Testing
import WorkflowEngine
import WorkflowModel

extension StepHostingSuite {
    /// What the machine does is waited out: no attempt, no plugin and no execution pays for it.
    @Suite("the machine's faults") struct MachineFaults {
        /// A directory with the plugin `good`, and a step host of its own that can be taken away.
        private static func with(
            _ configure: @escaping (inout HostingConfiguration) -> Void = { _ in },
            _ body: (HostedPlugins, StepHostFile) async throws -> Void
        ) async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.compile("good", into: directory + "/plugins")
            let file = try StepHostFile(directory)
            try await HostedPlugins.with(directory: directory) {
                $0.stepHostPath = file.path
                configure(&$0)
            } _: { plugins async throws in try await body(plugins, file) }
        }

        private struct StepHostFile {
            let path: String
            private var away: String { path + ".away" }

            init(_ directory: String) throws {
                path = directory + "/step-host"
                try #require(symlink(HostedPlugins.stepHostPath, path) == 0)
            }

            /// Every spawn fails while the body runs.
            func missing(_ body: () async throws -> Void) async throws {
                try #require(rename(path, away) == 0)
                try await body()
                try #require(rename(away, path) == 0)
            }
        }

        @Test("calls wait while no process can be started, and run when one can")
        func noProcess() async throws {
            try await Self.with { $0.pool.warmPerPlugin = 0 } _: { plugins, file in
                var calls: [Task<StepOutcome, any Error>] = []
                try await file.missing {
                    calls = (0..<3).map { _ in Task { try await plugins.call("good") } }
                    // More failures in a row than a plugin that does not load is given.
                    while plugins.hosting.statistics.startFailures < 5 { await Task.yield() }
                    let fault = try #require(plugins.hosting.statistics.fault)
                    #expect(fault.contains("No such file"), "\(fault)")
                    #expect(plugins.hosting.statistics.callsQueued == 3)
                }
                for call in calls { #expect(try await call.value.output == "{\"ok\":true}") }
                let statistics = plugins.hosting.statistics
                #expect(statistics.fault == nil && statistics.crashes == 0 && statistics.callsFailed == 0)
            }
        }

        @Test("a call that waits for a process can be cancelled")
        func cancelled() async throws {
            try await Self.with { $0.pool.warmPerPlugin = 0 } _: { plugins, file in
                try await file.missing { () async throws in
                    let call = Task { try await plugins.call("good") }
                    while plugins.hosting.statistics.startFailures < 2 { await Task.yield() }
                    call.cancel()
                    #expect(try await call.value.error?.code == StepErrorCode.cancelled)
                }
            }
        }

        @Test("a call of a build that was not asked yet waits for a process as well")
        func noProcessForOldBuild() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.compile("good", into: directory + "/plugins")
            var hash = ""
            try await HostedPlugins.with(directory: directory) { plugins async throws in
                hash = try #require(plugins.hosting.plugin(named: "good")).hash
            }
            try #require(unlink(directory + "/plugins/good.so") == 0)
            try #require(unlink("\(directory)/data/plugins/\(hash).json") == 0)
            let pinned = hash
            let file = try StepHostFile(directory)
            try await HostedPlugins.with(directory: directory) { $0.stepHostPath = file.path } _: {
                plugins async throws in
                var call: Task<StepOutcome, any Error>?
                try await file.missing {
                    call = Task { try await plugins.call("good", hash: pinned) }
                    while plugins.hosting.statistics.startFailures < 3 { await Task.yield() }
                }
                #expect(try await call?.value.output == "{\"ok\":true}")
            }
        }

        @Test("a plugin that no process could be had for is found later")
        func noProcessForDiscovery() async throws {
            try await Self.with { plugins, file in
                try await HostedPlugins.compile("failing", into: plugins.directory + "/plugins")
                var scan: Task<Void, Never>?
                try await file.missing {
                    scan = Task { await plugins.hosting.rescan() }
                    while plugins.hosting.statistics.startFailures < 2 { await Task.yield() }
                    #expect(plugins.hosting.plugins.map(\.name) == ["good"])
                    #expect(plugins.hosting.loading.map { $0.hasSuffix("/failing.so") } == [true])
                }
                await scan?.value
                #expect(plugins.hosting.plugins.count == 2)
                #expect(try await plugins.call("failing").error?.message == "just text")
            }
        }

        @Test("a step host that is late gets more time, and its plugin no blame")
        func lateHello() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.compile("good", into: directory + "/plugins")
            let script = """
                #!/bin/sh
                if [ -e '\(directory)/slow' ]; then sleep 0.7; fi
                exec '\(HostedPlugins.stepHostPath)' "$@"
                """
            let path = directory + "/late-step-host"
            let file = try #require(fopen(path, "we"))
            fputs(script, file)
            fclose(file)
            try #require(chmod(path, 0o755) == 0)
            try await HostedPlugins.with(directory: directory) {
                $0.stepHostPath = path
                $0.pool.warmPerPlugin = 0
                $0.limits.crashesMax = 1
                // The next ones have 400 and 800 ms, then 1.6 s.
                $0.timing.hello = .milliseconds(200)
            } _: { plugins async throws in
                while plugins.hosting.plugins.isEmpty { await Task.yield() }
                try #require(fclose(fopen(directory + "/slow", "we")) == 0)
                let outcomes = try await withThrowingTaskGroup(of: StepOutcome.self) { group in
                    for _ in 0..<3 { group.addTask { try await plugins.call("good") } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(outcomes.allSatisfy { $0.output == "{\"ok\":true}" }, "\(outcomes.map(\.error))")
                #expect(plugins.hosting.statistics.crashes == 0)
                #expect(plugins.hosting.statistics.spawns > 3)
            }
        }

        @Test("a plugin that waits longer than it may compute still opens")
        func slowOpen() async throws {
            try await HostedPlugins.with("opens_slowly") { plugins async throws in
                #expect(try await plugins.call("opens_slowly").output == "\"opened\"")
                #expect(plugins.hosting.statistics.crashes == 0)
            }
        }

        @Test("calls beyond the length that the queue should have wait like the others, in their order")
        func longQueue() async throws {
            try await HostedPlugins.with("blocks") {
                $0.pool.hostsPerPluginMax = 1
                $0.pool.queuedCallsMax = 1
            } _: { plugins async throws in
                let outcomes = try await withThrowingTaskGroup(of: StepOutcome.self) { group in
                    for _ in 0..<4 { group.addTask { try await plugins.call("blocks") } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(outcomes.allSatisfy { $0.output == "\"slow\"" }, "\(outcomes.map(\.error))")
                #expect(plugins.hosting.statistics.callsFailed == 0)
                #expect(plugins.hosting.statistics.fault == nil)
            }
        }
    }
}
