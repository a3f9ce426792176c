import Glibc
import StepHosting
import Testing
import WorkflowEngine
import WorkflowModel

extension StepHostingSuite {
    @Suite("a well-behaved plugin") struct GoodCalls {
        @Test("a call is answered with the step's output, risk, checkpoint and times")
        func completes() async throws {
            try await HostedPlugins.with("good") { plugins async throws in
                let echoed = try await plugins.call("good", "good", input: "{\"n\": [1, \"ä\"]}")
                #expect(echoed.output == "{\"n\": [1, \"ä\"]}")
                let outcome = try await plugins.call("good")
                #expect(outcome.output == "{\"ok\":true}")
                #expect(outcome.risk == 42)
                #expect(outcome.checkpoint == Array("{\"at\":7}".utf8))
                #expect(outcome.executionMilliseconds > 0 && outcome.executionMilliseconds < 1000)
                #expect(outcome.queuedMilliseconds >= 0)
            }
        }

        @Test("progress and logs reach the listener before the answer reaches the caller")
        func activity() async throws {
            try await HostedPlugins.with("good") { plugins async throws in
                _ = try await plugins.call("good")
                #expect(
                    plugins.activity.all.map(\.kind) == [
                        .log(level: .info, message: "hello", fields: Array("{\"n\":1}".utf8)),
                        .progress(fraction: 0.5, note: "half"),
                    ])
            }
        }

        @Test("a step's own failures keep their code, message, finality and wait")
        func failures() async throws {
            try await HostedPlugins.with("failing") { plugins async throws in
                let final = try #require(try await plugins.call("failing", input: "\"final\"").error)
                #expect(final.code == "no_such_customer" && final.message == "gone" && !final.isRetryable)
                let retry = try #require(try await plugins.call("failing", input: "\"retry\"").error)
                #expect(retry.code == "busy" && retry.isRetryable && retry.retryAfter == .milliseconds(1500))
                let plain = try #require(try await plugins.call("failing", input: "\"other\"").error)
                #expect(plain.code == StepErrorCode.failed && plain.message == "just text")
                let refused = try #require(try await plugins.call("failing", input: "\"refuse\"").error)
                #expect(refused.message.contains("status 5"))
                #expect(plugins.hosting.statistics.spawns == 1)
            }
        }

        @Test("an input that does not fit the function's schema is refused without a process")
        func schema() async throws {
            try await HostedPlugins.with("schema") { plugins async throws in
                #expect(try await plugins.call("schema", "good", input: "{\"n\":1}").output == "{\"n\":1}")
                let broken = try #require(try await plugins.call("schema", "good", input: "{").error)
                #expect(broken.code == StepErrorCode.invalidInput && !broken.isRetryable)
                let unknown = try #require(try await plugins.call("schema", "nothing").error)
                #expect(unknown.code == StepErrorCode.functionUnavailable && !unknown.isRetryable)
            }
        }

        @Test("cancelling the task stops a step that listens and keeps its host")
        func cancelObeyed() async throws {
            try await HostedPlugins.with("obeys_cancel") { plugins async throws in
                let error = try await Self.cancelled(plugins, "obeys_cancel")
                #expect(error?.code == StepErrorCode.cancelled && error?.isRetryable == false)
                #expect(try await plugins.call("obeys_cancel", "good", input: "1").output == "1")
                #expect(plugins.hosting.statistics.spawns == 1)
            }
        }

        @Test("cancelling the task kills a step that does not listen, after the grace")
        func cancelForced() async throws {
            try await HostedPlugins.with("forgets") { plugins async throws in
                #expect(try await Self.cancelled(plugins, "forgets")?.code == StepErrorCode.cancelled)
                #expect(plugins.hosting.statistics.kills == 1)
                #expect(try await plugins.call("forgets", "good", input: "1").output == "1")
            }
        }

        @Test("cancelling a call that waits takes it back; one that comes cancelled never runs")
        func cancelWaiting() async throws {
            try await HostedPlugins.with("forgets") {
                $0.pool.hostsPerPluginMax = 1
            } _: { plugins async throws in
                async let running = plugins.call("forgets", timeout: .milliseconds(500))
                while plugins.hosting.statistics.hostsIdle > 0 || plugins.hosting.statistics.callsStarted == 0 {
                    await Task.yield()
                }
                let waiting = Task { try await plugins.call("forgets", timeout: .seconds(60)) }
                while plugins.hosting.statistics.callsQueued == 0 { await Task.yield() }
                waiting.cancel()
                #expect(try await waiting.value.error?.code == StepErrorCode.cancelled)
                #expect(try await running.error?.code == StepErrorCode.deadline)
            }
        }

        @Test("more calls than hosts wait for one and say how long")
        func queues() async throws {
            try await HostedPlugins.with("blocks") {
                $0.pool.hostsPerPluginMax = 1
            } _: { plugins async throws in
                let outcomes = try await withThrowingTaskGroup(of: StepOutcome.self) { group in
                    for _ in 0..<3 { group.addTask { try await plugins.call("blocks") } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(outcomes.allSatisfy { $0.output == "\"slow\"" })
                #expect(outcomes.map(\.queuedMilliseconds).max() ?? 0 >= 500)
                #expect(plugins.hosting.statistics.spawns == 1)
            }
        }

        @Test("an idle host that dies is replaced before it is missed")
        func refills() async throws {
            try await HostedPlugins.with("good") { plugins async throws in
                #expect(try await plugins.call("good").output != nil)
                let first = try #require(plugins.hosting.statistics.processIDs.first)
                #expect(kill(first, SIGKILL) == 0)
                while plugins.hosting.statistics.hostsIdle == 0 || plugins.hosting.statistics.processIDs == [first] {
                    await Task.yield()
                }
                #expect(try await plugins.call("good").output == "{\"ok\":true}")
                #expect(plugins.hosting.statistics.spawns == 2)
            }
        }

        @Test("a shutdown with a call in flight ends it as lost, to be run again")
        func shutdown() async throws {
            try await HostedPlugins.with("forgets") { plugins async throws in
                async let running = plugins.call("forgets", timeout: .seconds(60))
                while plugins.hosting.statistics.callsStarted == 0 { await Task.yield() }
                await plugins.hosting.shutdown()
                let error = try #require(try await running.error)
                #expect(error.code == StepErrorCode.hostLost && error.isRetryable)
                #expect(try await plugins.call("forgets", "good").error?.code == StepErrorCode.hostLost)
            }
        }

        private static func cancelled(_ plugins: HostedPlugins, _ plugin: String) async throws -> StepError? {
            let task = Task { try await plugins.call(plugin, timeout: .seconds(60)) }
            while plugins.hosting.statistics.callsStarted == 0 { await Task.yield() }
            task.cancel()
            return try await task.value.error
        }
    }
}
