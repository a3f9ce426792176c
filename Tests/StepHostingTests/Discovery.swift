import Glibc
import StepHosting
import Testing
import WorkflowEngine
import WorkflowModel

extension StepHostingSuite {
    @Suite("discovery") struct Discovery {
        struct Refusal: CustomTestStringConvertible, Sendable {
            var plugin: String
            var code: String
            var message: String
            var testDescription: String { plugin }
        }

        static let refusals: [Refusal] = [
            Refusal(plugin: "no_entry", code: "no_entry", message: "step_plugin_entry"),
            Refusal(plugin: "null_entry", code: "refused", message: "refuses"),
            Refusal(plugin: "small_table", code: "table_too_small", message: "16"),
            Refusal(plugin: "null_invoke", code: "null_function", message: "invoke"),
            Refusal(plugin: "other_major", code: "abi_major", message: "2.0"),
            Refusal(plugin: "unresolved", code: "load_failed", message: "nobody_defines_this"),
            Refusal(plugin: "constructor_crashes", code: "load_crashed", message: "SIGSEGV"),
            Refusal(plugin: "constructor_loops", code: "load_timeout", message: "processor time"),
            Refusal(plugin: "describes_rubbish", code: "describe_invalid", message: "JSON"),
            Refusal(plugin: "describes_twice", code: "describe_invalid", message: "act twice"),
            Refusal(plugin: "describes_no_timeout", code: "describe_invalid", message: "from 500 to 86400000"),
            Refusal(plugin: "describes_endlessly", code: "describe_invalid", message: "bytes"),
        ]

        @Test("a plugin that cannot be used is listed with the reason, and the others load", arguments: refusals)
        func refused(_ refusal: Refusal) async throws {
            try await HostedPlugins.with(refusal.plugin, "good") { plugins async throws in
                let failure = try #require(plugins.hosting.failures.first)
                #expect(plugins.hosting.failures.count == 1)
                #expect(failure.path.hasSuffix("/\(refusal.plugin).so"))
                #expect(failure.code == refusal.code)
                #expect(failure.message.contains(refusal.message), "\(failure.message)")
                #expect(plugins.hosting.plugins.map(\.name) == ["good"])
                #expect(try await plugins.call("good").output == "{\"ok\":true}")
            }
        }

        @Test("a plugin of a newer minor version loads")
        func newerMinor() async throws {
            try await HostedPlugins.with("newer_minor") { plugins async throws in
                #expect(try await plugins.call("newer_minor").output == "\"newer\"")
            }
        }

        /// A name, what is made of a good plugin's bytes, the code and words of the refusal.
        static let damages: [(String, @Sendable (inout [UInt8]) -> Void, String, String)] = [
            ("empty", { $0 = [] }, "empty_file", "empty"),
            ("text", { $0 = Array("#!/bin/sh\nexit 1\n".utf8) }, "not_elf", "text"),
            ("binary", { $0[0] = 0 }, "not_elf", "not an ELF"),
            ("arm", { $0[18] = 183 }, "wrong_architecture", "arm64"),
            ("bits32", { $0[4] = 1 }, "wrong_architecture", "32-bit"),
            ("program", { $0[16] = 2 }, "not_shared_object", "no shared object"),
            ("head", { $0 = Array($0.prefix(40)) }, "truncated", "truncated"),
            ("half", { $0 = Array($0.prefix($0.count / 8)) }, "truncated", "truncated"),
        ]

        @Test("a damaged or foreign file is refused in plain words before anything maps it")
        func damaged() async throws {
            #if arch(x86_64)
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.compile("good", into: directory + "/plugins")
            let good = try Self.read(directory + "/plugins/good.so")
            for (name, damage, _, _) in Self.damages {
                var bytes = good
                damage(&bytes)
                try Self.write(bytes, to: directory + "/plugins/\(name).so")
            }
            try await HostedPlugins.with(directory: directory) { plugins async throws in
                for (name, _, code, words) in Self.damages {
                    let failure = try #require(plugins.hosting.failures.first { $0.path.hasSuffix("/\(name).so") })
                    #expect(failure.code == code, "\(name)")
                    #expect(failure.message.contains(words), "\(failure.message)")
                }
                #expect(plugins.hosting.plugins.map(\.name) == ["good"])
            }
            #endif
        }

        @Test("of two files that claim one name neither is loaded, until one is gone")
        func sameName() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            let files = directory + "/plugins"
            try await HostedPlugins.compile("good", into: files)
            try await HostedPlugins.compile("exits", into: files)
            // Another plugin, which calls itself good.
            #expect(await HostedPlugins.shell("mkdir \(directory)/other") == 0)
            try await HostedPlugins.compile("exits", as: "good", into: directory + "/other")
            #expect(await HostedPlugins.shell("mv \(directory)/other/good.so \(files)/aaa.so") == 0)
            try await HostedPlugins.with(directory: directory) { plugins async throws in
                let hosting = plugins.hosting
                #expect(hosting.plugins.map(\.name) == ["exits"])
                #expect(hosting.failures.map(\.code) == ["duplicate_name", "duplicate_name"])
                #expect(hosting.failures.first?.message.contains("good.so") == true, "\(hosting.failures)")
                unlink(files + "/aaa.so")
                await hosting.rescan()
                #expect(hosting.plugins.map(\.path) == [files + "/exits.so", files + "/good.so"])
                #expect(hosting.failures.isEmpty)
            }
        }

        @Test("a plugin in a file of another name is offered once every file was looked at")
        func otherName() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.compile("good", into: directory + "/plugins")
            #expect(await HostedPlugins.shell("mv \(directory)/plugins/good.so \(directory)/plugins/other.so") == 0)
            try await HostedPlugins.with(directory: directory) { plugins async throws in
                #expect(try await plugins.call("good").output == "{\"ok\":true}")
            }
        }

        @Test("a FIFO, a plugin that loops and thousands of files hold up neither the start nor the other plugins")
        func obstacles() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            let files = directory + "/plugins"
            try await HostedPlugins.compile("good", into: files)
            try await HostedPlugins.compile("constructor_loops", into: files)
            let made = await HostedPlugins.shell(
                "cd '\(files)' && mkfifo fifo.so && seq -f 'x%g' 10000 | xargs touch "
                    + "&& seq -f 'x%g.so' 900 | xargs touch")
            try #require(made == 0)
            try await HostedPlugins.with(directory: directory, waitsForPlugins: false) {
                // Nobody could wait for that.
                $0.timing.open = .seconds(600)
            } _: { plugins async throws in
                let hosting = plugins.hosting
                await hosting.loaded(["good"])
                #expect(try await plugins.call("good").output == "{\"ok\":true}")
                #expect(hosting.loading.contains(files + "/constructor_loops.so"))
                let waiting = Task { await hosting.loaded(["nobody"]) }
                waiting.cancel()
                await waiting.value
                // The loop goes on, and the stop ends it.
                #expect(!hosting.failures.contains { $0.path == files + "/constructor_loops.so" })
            }
        }

        @Test("plugins that wait for ever before they open keep nobody's place")
        func sleepers() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            let files = directory + "/plugins"
            for number in 0..<9 {
                try await HostedPlugins.compile("sleeps_in_constructor", as: "a\(number)", into: files)
            }
            try await HostedPlugins.compile("good", into: files)
            try await HostedPlugins.with(directory: directory, waitsForPlugins: false) {
                $0.timing.openWaitMax = .seconds(3_600)
            } _: { plugins async throws in
                await plugins.hosting.loaded(["good"])
                #expect(plugins.hosting.loading.count == 9)
                #expect(try await plugins.call("good").output == "{\"ok\":true}")
            }
        }

        @Test("a second start asks no plugin again")
        func cached() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.compile("good", into: directory + "/plugins")
            try await HostedPlugins.with(directory: directory) { _ in }
            // With a step host that cannot run, only what needs none still works.
            try await HostedPlugins.with(directory: directory) {
                $0.stepHostPath = "/bin/false"
                $0.pool.warmPerPlugin = 0
            } _: { plugins async throws in
                #expect(plugins.hosting.plugins.map(\.name) == ["good"])
                #expect(plugins.hosting.plugins.first?.functions.map(\.name) == ["good", "act"])
            }
        }

        @Test("a new build replaces the old one, and calls pinned to the old one still run")
        func rescan() async throws {
            try await HostedPlugins.with("good") { plugins async throws in
                let old = try #require(plugins.hosting.plugin(named: "good")).hash
                try await HostedPlugins.compile("good", into: plugins.directory + "/plugins", flags: "-DOTHER_BUILD -O2")
                await plugins.hosting.rescan()
                let new = try #require(plugins.hosting.plugin(named: "good")).hash
                #expect(new != old)
                #expect(try await plugins.call("good", hash: old).output == "{\"ok\":true}")
                #expect(try await plugins.call("good", hash: new).output == "{\"ok\":true}")
            }
        }

        @Test("overwriting and truncating the file in place does not reach the running build")
        func overwritten() async throws {
            try await HostedPlugins.with("good") { plugins async throws in
                #expect(try await plugins.call("good").output == "{\"ok\":true}")
                #expect(await HostedPlugins.shell("truncate -s 100 \(plugins.directory)/plugins/good.so") == 0)
                #expect(try await plugins.call("good").output == "{\"ok\":true}")
                #expect(try await plugins.call("good", "good", input: "2").output == "2")
            }
        }

        @Test("a build that is not stored any more is said so, and no path can be asked for")
        func missingBuild() async throws {
            try await HostedPlugins.with("good") { plugins async throws in
                for hash in [String(repeating: "a", count: 64), "../../etc/passwd", ""] {
                    let error = try #require(try await plugins.call("good", hash: hash).error)
                    #expect(error.code == StepErrorCode.functionUnavailable)
                    #expect(!error.isRetryable)
                }
            }
        }

        @Test("a missing step host is said at the start")
        func noStepHost() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            let error = await #expect(throws: HostingError.self) {
                try await HostedPlugins.with(directory: directory) {
                    $0.stepHostPath = "/nowhere/step-host"
                } _: { _ in
                }
            }
            #expect(error?.code == .stepHostMissing)
        }

        private static func read(_ path: String) throws -> [UInt8] {
            let file = try #require(fopen(path, "re"))
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = fread(&bytes, 1, bytes.count, file)
            return Array(bytes.prefix(count))
        }

        private static func write(_ bytes: [UInt8], to path: String) throws {
            let file = try #require(fopen(path, "we"))
            defer { fclose(file) }
            #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        }
    }
}
