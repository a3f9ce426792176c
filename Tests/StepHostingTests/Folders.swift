import Glibc
import StepHosting
import Testing
import WorkflowEngine

extension StepHostingSuite {
    @Suite("what plugins may write") struct Folders {
        private static let written = "\"temporary\":0,\"relative\":0,\"filled\":0}"

        private static func hostFolders(_ plugins: HostedPlugins) -> [String] {
            OpenDescriptors.names(in: plugins.directory + "/data/run/hosts").filter { !$0.hasPrefix(".") }
        }

        @Test("a host writes its own temporary folder and nothing else; the folder goes with the host")
        func temporary() async throws {
            try await HostedPlugins.with("writes_files") { plugins async throws in
                mkdir(plugins.directory + "/open", 0o777)
                chmod(plugins.directory + "/open", 0o777)
                let input = "\"\(plugins.directory)/open/file\""
                let before = Set(Self.hostFolders(plugins))
                let output = try #require(try await plugins.call("writes_files", input: input).output)
                #expect(output.hasSuffix(Self.written), "\(output)")
                #expect(output.hasPrefix("{\"given\":\(EACCES),"), "\(output)")
                // It left files, so the host goes, and its folder with it; and so does one whose host is killed.
                while !before.isDisjoint(with: Self.hostFolders(plugins)) { await Task.yield() }
                while plugins.hosting.statistics.processIDs.isEmpty { await Task.yield() }
                let next = Set(Self.hostFolders(plugins))
                for process in plugins.hosting.statistics.processIDs { #expect(kill(process, SIGKILL) == 0) }
                while !next.isDisjoint(with: Self.hostFolders(plugins)) { await Task.yield() }
                await plugins.hosting.shutdown()
                #expect(Self.hostFolders(plugins).isEmpty)
                #expect(access("/etc/passwd", R_OK) == 0)
            }
        }

        @Test("a writable path of the configuration can be written")
        func granted() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.compile("writes_files", into: directory + "/plugins")
            mkdir(directory + "/open", 0o777)
            chmod(directory + "/open", 0o777)
            try await HostedPlugins.with(directory: directory) {
                $0.confinement.writablePaths = [directory + "/open"]
            } _: { plugins async throws in
                let output = try await plugins.call("writes_files", input: "\"\(directory)/open/file\"").output
                #expect(output == "{\"given\":0," + Self.written)
                #expect(access(directory + "/open/file", R_OK) == 0)
            }
        }

        @Test("a writable path that is not there is named when the plugin loads")
        func missing() async throws {
            try await HostedPlugins.with("good") {
                $0.confinement.writablePaths = ["/nowhere/at/all"]
            } _: { plugins async throws in
                let failure = try #require(plugins.hosting.failures.first)
                #expect(failure.code == "confinement_failed" && failure.message.contains("--rw /nowhere/at/all"))
            }
        }

        @Test("a data directory that only its owner may enter is no hindrance")
        func privateDataDirectory() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.compile("writes_files", into: directory + "/plugins")
            mkdir(directory + "/data", 0o700)
            try await HostedPlugins.with(directory: directory) { plugins async throws in
                let output = try await plugins.call("writes_files", input: "\"/tmp/file\"").output
                #expect(output == "{\"given\":\(EACCES)," + Self.written)
                #expect(try await plugins.call("writes_files", "good", input: "1").output == "1")
            }
        }

        @Test("what a killed server left is removed at the start, however deep")
        func leftovers() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            // Deeper than a path can be long.
            let made = await HostedPlugins.shell(
                """
                mkdir -p '\(directory)/data/run/hosts/7' && cd '\(directory)/data/run/hosts/7' && \
                for i in $(seq 1000); do mkdir deep && cd -P ./deep || exit 1; done && \
                touch file && ln -s /etc/passwd link && chmod 0 .
                """)
            try #require(made == 0)
            try await HostedPlugins.with(directory: directory) { plugins async throws in
                #expect(Self.hostFolders(plugins).isEmpty)
            }
        }

        @Test("a server that stopped while a child was being started leaves the folders to the next one")
        func handedOver() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            var copies: [Int32] = []
            defer { for copy in copies { close(copy) } }
            try await HostedPlugins.with(directory: directory) { _ in
                copies = OpenDescriptors.copies(of: directory + "/data/run/hosts")
                #expect(!copies.isEmpty)
            }
            #expect(mkdir(directory + "/data/run/hosts/7", 0o700) == 0)
            try await HostedPlugins.with(directory: directory) { plugins async throws in
                #expect(Self.hostFolders(plugins).isEmpty)
            }
        }
    }
}
