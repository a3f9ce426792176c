import Glibc
import StepHosting
import Testing
import WorkflowEngine
import WorkflowModel

extension StepHostingSuite {
    /// The hostile behaviours of the plugin contract: each is a verdict on one attempt and nothing else.
    @Suite("hostile plugins") struct HostileCalls {
        struct Act: CustomTestStringConvertible, Sendable {
            var plugin: String
            var input = "{}"
            var code: String
            var message: String
            /// Expected in the private diagnostics.
            var diagnostics: String?
            var timeout: Duration = .seconds(10)
            var testDescription: String { input == "{}" ? plugin : "\(plugin) \(input)" }
        }

        static let acts: [Act] = [
            Act(
                plugin: "segfault", code: StepErrorCode.signal, message: "SIGSEGV",
                diagnostics: "the_guilty_function"),
            Act(plugin: "aborts", code: StepErrorCode.signal, message: "SIGABRT"),
            Act(plugin: "illegal", code: StepErrorCode.signal, message: "SIGILL"),
            Act(plugin: "overflow", code: StepErrorCode.signal, message: "SIGSEGV"),
            Act(plugin: "spins", code: StepErrorCode.deadline, message: "0.2 seconds", timeout: .milliseconds(200)),
            Act(
                plugin: "ignores_cancel", code: StepErrorCode.deadline, message: "0.2 seconds",
                timeout: .milliseconds(200)),
            Act(plugin: "exits", code: StepErrorCode.exitedEarly, message: "status 0"),
            Act(plugin: "exits_seven", code: StepErrorCode.exitedEarly, message: "status 7"),
            Act(plugin: "closes_all", code: StepErrorCode.protocolViolation, message: "channel"),
            Act(plugin: "writes_channel", code: StepErrorCode.protocolViolation, message: "frame"),
            Act(plugin: "forgets", code: StepErrorCode.deadline, message: "0.2", timeout: .milliseconds(200)),
            // Told with the reason, 4.
            Act(plugin: "silent", code: StepErrorCode.heartbeatLost, message: "0.5 seconds", diagnostics: "told: 4"),
            Act(plugin: "hardens", code: StepErrorCode.deadline, message: "0.2", timeout: .milliseconds(200)),
            Act(plugin: "jumps_out", code: StepErrorCode.signal, message: "SIG"),
            Act(plugin: "throws", code: StepErrorCode.signal, message: "SIGABRT", diagnostics: "out of invoke"),
            Act(
                plugin: "throws", input: "2", code: StepErrorCode.signal, message: "SIGABRT",
                diagnostics: "out of a thread"),
        ]

        @Test("what it does to itself fails its own attempt only, with the right verdict", arguments: acts)
        func verdict(on act: Act) async throws {
            try await HostedPlugins.with(act.plugin) { plugins async throws in
                let pid = getpid()
                let outcome = try await plugins.call(act.plugin, input: act.input, timeout: act.timeout)
                let error = try #require(outcome.error)
                #expect(error.code == act.code)
                #expect(error.message.contains(act.message), "\(error.message)")
                #expect(error.isRetryable)
                if let diagnostics = act.diagnostics {
                    #expect(error.diagnostics?.contains(diagnostics) == true, "\(error.diagnostics ?? "none")")
                }
                #expect(try await plugins.call(act.plugin, "good", input: "[1]").output == "[1]")
                #expect(getpid() == pid)
            }
        }

        @Test("a step that promised heartbeats may take longer than it may be silent, as long as it sends them")
        func beats() async throws {
            try await HostedPlugins.with("silent") { plugins async throws in
                let outcome = try await plugins.call("silent", "beats")
                #expect(outcome.output == "\"alive\"")
                #expect(String(decoding: outcome.checkpoint, as: UTF8.self) == "29")
                let function = plugins.hosting.plugin(named: "silent")?.functions.first { $0.name == "beats" }
                #expect(function?.heartbeatTimeout == .milliseconds(500))
            }
        }

        @Test("memory is limited, and running out of it is the step's own crash")
        func leaks() async throws {
            try await HostedPlugins.with("leaks") {
                $0.confinement.arguments = ["--limit-data", "\(64 << 20)"]
            } _: { plugins async throws in
                #expect(try await plugins.call("leaks").error?.code == StepErrorCode.signal)
                #expect(try await plugins.call("leaks", "good", input: "1").output == "1")
            }
        }

        @Test("a host that has grown above its ceiling is replaced after the call")
        func recyclesByMemory() async throws {
            try await HostedPlugins.with("grows") {
                $0.pool.residentBytesMax = 48 << 20
            } _: { plugins async throws in
                let before = plugins.hosting.statistics.processIDs
                for _ in 0..<64 { #expect(try await plugins.call("grows").output == "1") }
                while plugins.hosting.statistics.processIDs == before { await Task.yield() }
                #expect(try await plugins.call("grows", "good", input: "1").output == "1")
                #expect(plugins.hosting.statistics.crashes == 0)
            }
        }

        @Test("fork is refused, or the child dies with its host")
        func forks() async throws {
            try await HostedPlugins.with("forks") { plugins async throws in
                let outcome = try await plugins.call("forks")
                #expect(outcome.output == "\"refused\"" || outcome.error?.code == StepErrorCode.exitedEarly)
                #expect(try await plugins.call("forks", "good", input: "1").output == "1")
            }
        }

        @Test("writing to the input after its call harms the plugin at most, freeing it kills the host")
        func keepsInput() async throws {
            try await HostedPlugins.with("keeps_input") { plugins async throws in
                func act(_ what: String) async throws -> StepOutcome {
                    try await plugins.call("keeps_input", input: "\"\(what)\"")
                }
                #expect(try await act("keep").output == "\"done\"")
                #expect(try await act("write").output == "\"done\"")
                #expect(try await plugins.call("keeps_input", "good", input: "[1]").output == "[1]")
                #expect(plugins.hosting.statistics.crashes == 0)
                #expect(try await act("keep").output == "\"done\"")
                #expect(try await act("free").error?.code == StepErrorCode.signal)
                #expect(try await plugins.call("keeps_input", "good", input: "[2]").output == "[2]")
            }
        }

        @Test("an input that is written to for ever spoils its own plugin's calls at most")
        func scribblesInput() async throws {
            try await HostedPlugins.with("keeps_input", "good") {
                // Else its ends bring the quarantine.
                $0.limits.crashesMax = 1_000
            } _: { plugins async throws in
                let long = "\"" + String(repeating: "-", count: 400) + "\""
                // Who is faster is the machine's affair; whatever is torn is the plugin's own.
                // The step host checks what it reads, so it ends by its own word and never by a signal; a torn call ID
                // comes back as an answer to no call.
                let codes = [StepErrorCode.exitedEarly, StepErrorCode.deadline, StepErrorCode.protocolViolation]
                for _ in 0..<20 {
                    for input in [long, "\"scribble\"", "1", "[2]", "\"three\""] {
                        let outcome = try await plugins.call("keeps_input", input: input, timeout: .milliseconds(200))
                        let isFair = outcome.output == "\"done\"" || codes.contains(outcome.error?.code ?? "")
                        #expect(isFair, "\(input.prefix(10)): \(outcome.result)")
                    }
                }
                #expect(try await plugins.call("good", "good", input: "[1]").output == "[1]")
            }
        }

        @Test("the channel cannot be replaced, or its loss is noticed")
        func replacesChannel() async throws {
            try await HostedPlugins.with("replaces_channel") { plugins async throws in
                let outcome = try await plugins.call("replaces_channel")
                #expect(outcome.output == "\"kept\"" || outcome.error?.code == StepErrorCode.protocolViolation)
                #expect(try await plugins.call("replaces_channel", "good", input: "1").output == "1")
            }
        }

        @Test("100 MB on stdout are drained and do not grow the server")
        func floodsStdout() async throws {
            // In a process of its own: the peak of this one is every suite's.
            await #expect(processExitsWith: .success) {
                try await HostedPlugins.with("floods_stdout") { plugins async throws in
                    let before = HostileCalls.residentBytes()
                    #expect(try await plugins.call("floods_stdout", timeout: .seconds(60)).output == "\"done\"")
                    #expect(HostileCalls.residentBytes() - before < 32 << 20)
                    #expect(try await plugins.call("floods_stdout", "good", input: "1").output == "1")
                }
            }
        }

        @Test("hundreds of thousands of log lines and heartbeats are bounded, and the last heartbeat is kept")
        func floodsLogs() async throws {
            try await HostedPlugins.with("floods_logs") { plugins async throws in
                let outcome = try await plugins.call("floods_logs", timeout: .seconds(60))
                #expect(outcome.output == "\"done\"")
                #expect(outcome.checkpoint == Array("{\"beat\":\"last\"}".utf8))
                #expect(plugins.activity.all.count <= 10_000)
                #expect(try await plugins.call("floods_logs", "good", input: "1").output == "1")
            }
        }

        @Test("output above the limit fails the attempt for good", arguments: ["1", "\"huge\""])
        func bigOutput(input: String) async throws {
            try await HostedPlugins.with("big_output") { plugins async throws in
                let error = try #require(try await plugins.call("big_output", input: input).error)
                #expect(error.code == StepErrorCode.outputTooLarge)
                #expect(!error.isRetryable)
                #expect(try await plugins.call("big_output", "good", input: "1").output == "1")
            }
        }

        @Test("output that is no acceptable JSON is refused")
        func badOutput() async throws {
            try await HostedPlugins.with("bad_output") { plugins async throws in
                for number in 0...9 {
                    let error = try #require(try await plugins.call("bad_output", input: "\(number)").error)
                    #expect(error.code == StepErrorCode.invalidOutput, "output \(number)")
                }
                #expect(try await plugins.call("bad_output", "good", input: "1").output == "1")
                #expect(plugins.hosting.statistics.spawns == 1)
            }
        }

        @Test("of several completions the first counts and the others are counted")
        func completesTwice() async throws {
            try await HostedPlugins.with("twice", "strangers") { plugins async throws in
                for _ in 0..<20 { #expect(try await plugins.call("twice").output == "\"first\"") }
                #expect(try await plugins.call("strangers").output == "\"mine\"")
                #expect(try await plugins.call("strangers", "good", input: "1").output == "1")
                // The last of the late ones may still be on its way; those of one thread are not.
                #expect(plugins.hosting.statistics.lateCompletions >= 20)
            }
        }

        @Test("a completion within the grace is the outcome, a later one is dropped")
        func completesLate() async throws {
            try await HostedPlugins.with("late") { plugins async throws in
                #expect(try await plugins.call("late", timeout: .milliseconds(100)).output == "\"in the grace\"")
                #expect(try await plugins.call("late", "good", input: "1").output == "1")
                #expect(plugins.hosting.statistics.spawns == 1)
            }
        }

        @Test("an invoke that blocks is noticed and still answered")
        func blocks() async throws {
            try await HostedPlugins.with("blocks") { plugins async throws in
                #expect(try await plugins.call("blocks").output == "\"slow\"")
                #expect(plugins.hosting.statistics.slowEntries == 1)
            }
        }

        @Test("what looks like frames on stdout is only output")
        func mimics() async throws {
            try await HostedPlugins.with("mimics") { plugins async throws in
                #expect(try await plugins.call("mimics").output == "\"honest\"")
                #expect(plugins.hosting.statistics.crashes == 0)
            }
        }

        @Test("a plugin that crashes again and again is put into quarantine, the others are not")
        func quarantine() async throws {
            try await HostedPlugins.with("exits", "good") { plugins async throws in
                for _ in 0..<5 {
                    #expect(try await plugins.call("exits").error?.code == StepErrorCode.exitedEarly)
                }
                let error = try #require(try await plugins.call("exits").error)
                #expect(error.code == StepErrorCode.functionUnavailable)
                #expect(error.message.contains("quarantine"))
                #expect(error.isRetryable && error.retryAfter != nil)
                #expect(try await plugins.call("good").output == "{\"ok\":true}")
            }
        }

        private static func residentBytes() -> Int {
            var usage = rusage()
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            // The peak, in KiB: what matters is that it does not rise.
            return usage.ru_maxrss * 1024
        }
    }
}
