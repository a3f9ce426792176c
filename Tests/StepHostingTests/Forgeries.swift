import Glibc
import StepHosting
import Testing
import WorkflowEngine
import WorkflowModel

extension StepHostingSuite {
    /// What a plugin writes where the server reads: frames past its step host, and text that people will see.
    @Suite("forgeries") struct Forgeries {
        private static func check(_ plugins: HostedPlugins, _ plugin: String) async throws {
            #expect(try await plugins.call(plugin, "good", input: "1").output == "1")
        }

        @Test("counters of any size are counted, falling ones end the host")
        func counters() async throws {
            try await HostedPlugins.with("forges_frames") { plugins async throws in
                #expect(try await plugins.call("forges_frames", input: "\"huge_counters\"").output == "\"forged\"")
                #expect(plugins.hosting.statistics.lateCompletions == .max)
                #expect(plugins.hosting.statistics.droppedLogs == .max)
                let falling = try await plugins.call("forges_frames", input: "\"falling_counters\"")
                #expect(falling.error?.code == StepErrorCode.protocolViolation)
                try await Self.check(plugins, "forges_frames")
            }
        }

        @Test("counters of any size from open stop no start")
        func countersInOpen() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            for (name, what) in [
                ("huge", "huge_counters"), ("falling", "falling_counters"), ("problem", "long_problem"),
            ] {
                try await HostedPlugins.compile(
                    "forges_frames", as: name, into: directory + "/plugins", flags: "-DFORGES_IN_OPEN='\"\(what)\"'")
            }
            try await HostedPlugins.compile("good", into: directory + "/plugins")
            try await HostedPlugins.with(directory: directory) { plugins async throws in
                #expect(try await plugins.call("good").output == "{\"ok\":true}")
                #expect(try await plugins.call("huge", "good", input: "1").output == "1")
                let failures = plugins.hosting.failures
                #expect(failures.map(\.code) == ["protocol_violation", "protocol_violation"], "\(failures)")
                #expect(failures.allSatisfy { $0.message.utf8.count < 2_000 })
            }
        }

        @Test("a field longer than a step host writes ends the host", arguments: [
            "long_log", "long_note", "long_details", "long_problem", "names",
        ])
        func longFields(_ what: String) async throws {
            try await HostedPlugins.with("forges_frames") { plugins async throws in
                let error = try #require(try await plugins.call("forges_frames", input: "\"\(what)\"").error)
                #expect(error.code == StepErrorCode.protocolViolation)
                #expect(error.message.utf8.count < 1_000)
                #expect(plugins.activity.all.isEmpty)
                try await Self.check(plugins, "forges_frames")
            }
        }

        @Test("a flood of slow entries is counted, and fills no log")
        func slowFlood() async throws {
            let log = LogLines()
            try await HostedPlugins.with("forges_frames", log: log) { plugins async throws in
                #expect(try await plugins.call("forges_frames", input: "\"slow_flood\"").output == "\"forged\"")
                #expect(plugins.hosting.statistics.slowEntries == 2_000)
                #expect(log.all.count < 100, "\(log.all.count) lines")
                try await Self.check(plugins, "forges_frames")
            }
        }

        /// A name of 130 bytes that a demangler makes 30 MB of: each level stands for the level below twice.
        private static let bomb: String = {
            let levels = 20
            let references = (0..<levels - 1).map { "A\(UnicodeScalar(UInt8(ascii: "C") + UInt8($0)))G" }.joined()
            return "$s1b1fyy" + String(repeating: "SDy", count: levels) + "S2iG" + references + "F"
        }()

        @Test("a mangled name, in the symbol table or in what a step prints, is bounded and harms nobody")
        func mangledNames() async throws {
            // In a process of its own: the peak of this one is every suite's.
            await #expect(processExitsWith: .success) {
                let directory = try HostedPlugins.makeDirectory()
                defer { HostedPlugins.remove(directory) }
                try await HostedPlugins.compile(
                    "names_bomb", into: directory + "/plugins", flags: "-DBOMB='\"\(Forgeries.bomb)\"'")
                try await HostedPlugins.with(directory: directory) { plugins async throws in
                    let before = Forgeries.peakBytes()
                    let crash = try #require(try await plugins.call("names_bomb").error)
                    #expect(crash.code == StepErrorCode.signal)
                    let diagnostics = try #require(crash.diagnostics)
                    #expect(diagnostics.utf8.count < 200 << 10)
                    #expect(diagnostics.contains("names_bomb.so+0x"), "\(diagnostics)")
                    let print = try #require(try await plugins.call("names_bomb", input: "\"print\"").error)
                    // Of a step that did not crash what it printed stays as it is.
                    #expect(print.diagnostics?.contains("x+0x1 " + Forgeries.bomb) == true)
                    #expect(Forgeries.peakBytes() - before < 16 << 20)
                    try await Forgeries.check(plugins, "names_bomb")
                }
            }
        }

        private static func peakBytes() -> Int {
            var usage = rusage()
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            return usage.ru_maxrss * 1024
        }

        @Test("a call larger than a frame fails for good and never reaches a host")
        func largeCall() async throws {
            try await HostedPlugins.with("good") { plugins async throws in
                let input = "\"" + String(repeating: "x", count: 8 << 20) + "\""
                let error = try #require(try await plugins.call("good", "good", input: input).error)
                #expect(error.code == StepErrorCode.inputTooLarge)
                #expect(!error.isRetryable)
                #expect(plugins.hosting.statistics.callsStarted == 0)
                try await Self.check(plugins, "good")
            }
        }

        @Test("secrets go to the plugin whose file has the name they were granted to, not to one that claims it")
        func claimedName() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            let files = directory + "/plugins"
            try await HostedPlugins.compile("secrets", into: files)
            #expect(await HostedPlugins.shell("mv '\(files)/secrets.so' '\(files)/other.so'") == 0)
            func grant(_ configuration: inout HostingConfiguration) {
                configuration.secrets = PluginSecrets(["secrets": ["api_key": "sesame-open"]])
            }
            try await HostedPlugins.with(directory: directory, configure: grant) { plugins async throws in
                #expect(try await plugins.call("secrets", input: "\"api_key\"").output == "[2,\"\"]")
                #expect(await HostedPlugins.shell("mv '\(files)/other.so' '\(files)/secrets.so'") == 0)
                await plugins.hosting.rescan()
            }
            try await HostedPlugins.with(directory: directory, configure: grant) { plugins async throws in
                #expect(try await plugins.call("secrets", input: "\"api_key\"").output == "[0,\"sesame-open\"]")
            }
        }
    }
}
