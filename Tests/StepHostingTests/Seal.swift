import Glibc
import StepHosting
import Testing
import WorkflowEngine
import WorkflowModel

extension StepHostingSuite {
    /// What a plugin reaches outside its process: nothing, whoever the server runs as and whatever Landlock the kernel
    /// has.
    @Suite("the seal") struct Seal {
        /// A kernel that the step host runs on.
        enum Kernel: String, CaseIterable, CustomTestStringConvertible {
            case own, landlock2, landlock5, noLandlock

            var testDescription: String {
                switch self {
                case .own: "this kernel"
                case .landlock2: "Landlock ABI 2"
                case .landlock5: "Landlock ABI 5"
                case .noLandlock: "no Landlock"
                }
            }

            func apply(to configuration: inout HostingConfiguration) {
                switch self {
                case .own: break
                case .landlock2: configuration.confinement.arguments += ["--landlock-abi-max", "2"]
                case .landlock5: configuration.confinement.arguments += ["--landlock-abi-max", "5"]
                case .noLandlock:
                    // An outer filter answers as a kernel without Landlock does.
                    configuration.stepHostPath = configuration.pluginDirectories[0] + "/without-landlock"
                    configuration.confinement.required = ["no_new_privs", "seccomp"]
                }
            }

            /// What seccomp cannot refuse where there is no Landlock: looking at and changing names and contents of
            /// files that the user may use. The guide says so.
            var open: Set<String> {
                self == .noLandlock
                    ? [
                        "read", "write", "create", "list", "reopen", "mkdir", "symlink", "link", "rename", "unlink",
                        "rmdir", "shm_open", "zero_device", "proc_environ", "proc_mem", "system_file", "system_write",
                    ] : []
            }
        }

        /// A process and a directory that the step host's user could reach if it were not confined.
        private struct Victim {
            var process: pid_t
            var directory: String

            init(in directory: String, user: uid_t) throws {
                self.directory = directory + "/victim"
                mkdir(self.directory, 0o700)
                let file = open(self.directory + "/victim", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
                try #require(write(file, "secret", 6) == 6)
                close(file)
                chown(self.directory, user, user)
                chown(self.directory + "/victim", user, user)
                process = 0
                var attributes = posix_spawnattr_t()
                posix_spawnattr_init(&attributes)
                let program = geteuid() == user ? ["sleep", "600"] : [
                    "setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups", "sleep", "600",
                ]
                let arguments: [UnsafeMutablePointer<CChar>?] = program.map { strdup($0) } + [nil]
                defer { for argument in arguments { free(argument) } }
                try #require(posix_spawnp(&process, program[0], nil, &attributes, arguments, environ) == 0)
            }

            func isUnharmed() -> Bool {
                var status = stat()
                guard stat(directory + "/victim", &status) == 0 else { return false }
                return status.st_size == 6 && status.st_mode & 0o777 == 0o600 && kill(process, 0) == 0
            }

            func end() {
                kill(process, SIGKILL)
                waitpid(process, nil, 0)
            }
        }

        private static func makeDirectory() async throws -> String {
            let directory = try HostedPlugins.makeDirectory()
            let plugins = directory + "/plugins"
            try await HostedPlugins.compile("reaches_out", into: plugins)
            let tests = HostedPlugins.testsDirectory
            let made = await HostedPlugins.shell(
                """
                cp '\(HostedPlugins.stepHostPath)' '\(plugins)/step-host' && \
                cc -std=c11 -D_GNU_SOURCE -DSTEP_HOST='"\(plugins)/step-host"' \
                '\(tests)/HostilePlugins/Support/without_landlock.c' -o '\(plugins)/without-landlock'
                """)
            try #require(made == 0)
            return directory
        }

        /// - Parameter user: whose the step host and its victim are.
        private static func checkReach(_ kernel: Kernel, as user: uid_t, in directory: String) async throws {
            let victim = try Victim(in: directory, user: user)
            defer { victim.end() }
            try await HostedPlugins.with(directory: directory) {
                $0.stepHostPath = $0.pluginDirectories[0] + "/step-host"
                $0.confinement.arguments = geteuid() == 0 ? ["--uid", "\(user)", "--gid", "\(user)"] : []
                kernel.apply(to: &$0)
            } _: { plugins async throws in
                let input = "\"\(victim.process) \(victim.directory)\""
                let outcome = try await plugins.call("reaches_out", input: input, timeout: .seconds(60))
                let output = try #require(outcome.output, "\(outcome)")
                let done = try #require(try JSONValue(parsing: Array(output.utf8)).objectValue).map(\.key)
                #expect(Set(done).subtracting(kernel.open).isEmpty, "\(done)")
                if kernel != .noLandlock { #expect(victim.isUnharmed()) }
            }
        }

        @Test(
            "a plugin of a server that runs as root reaches nothing of another process or file of its user",
            .enabled(if: geteuid() == 0, "only root can change to another user"), arguments: Kernel.allCases)
        func reachesNothingAsRoot(_ kernel: Kernel) async throws {
            let directory = try await Self.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await Self.checkReach(kernel, as: 100_000 + uid_t(getpid()), in: directory)
        }

        @Test("a plugin of a server that does not run as root reaches nothing of the server's user")
        func reachesNothingAsUser() async throws {
            await #expect(processExitsWith: .success) {
                let directory = try await Seal.makeDirectory()
                defer { HostedPlugins.remove(directory) }
                try await Seal.becomeUser(owning: directory)
                for kernel in Kernel.allCases {
                    try await Seal.checkReach(kernel, as: geteuid(), in: directory)
                    try #require(await HostedPlugins.shell("rm -rf '\(directory)/victim' '\(directory)/data'") == 0)
                }
            }
        }

        @Test("every thread is confined at every moment from the plugin's first code on", arguments: Kernel.allCases)
        func confinesThreads(_ kernel: Kernel) async throws {
            let directory = try await Self.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.compile("watches_threads", into: directory + "/plugins")
            try await HostedPlugins.with(directory: directory, configure: kernel.apply) { plugins async throws in
                let output = try await plugins.call("watches_threads").output
                #expect(output == #"{"looked":true,"unconfined":0,"thread":""}"#)
            }
        }

        @Test("code in libc's own pages runs confined on every thread of the step host", arguments: Kernel.allCases)
        func hooksLibc(_ kernel: Kernel) async throws {
            let directory = try await Self.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.compile("hooks_libc", into: directory + "/plugins")
            try await HostedPlugins.with(directory: directory, configure: kernel.apply) { plugins async throws in
                let outcome = try await plugins.call("hooks_libc", timeout: .seconds(60))
                if kernel == .noLandlock { return }  // Files are open there, which the hook tries, too.
                #expect(outcome.output == #"{"hooked":true,"escaped":0}"#, "\(outcome)")
            }
        }

        @Test("a kernel without Landlock loads no plugin unless the settings require less")
        func failsClosed() async throws {
            let directory = try await Self.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.with(directory: directory) {
                Kernel.noLandlock.apply(to: &$0)
                $0.confinement.required = HostingConfiguration.Confinement.requirements
            } _: { plugins async throws in
                let failure = try #require(plugins.hosting.failures.first)
                #expect(failure.code == "confinement_missing")
                #expect(failure.message.contains("landlock") && failure.message.contains("require_confinement"))
            }
        }

        @Test("what holds each plugin's hosts is known")
        func shows() async throws {
            let directory = try await Self.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            for kernel in [Kernel.own, .landlock2, .noLandlock] {
                try await HostedPlugins.with(directory: directory, configure: kernel.apply) { plugins async throws in
                    let confinement = try #require(plugins.hosting.plugins.first?.confinement)
                    #expect(confinement.measures.contains("seccomp"))
                    #expect(confinement.measures.contains("landlock") == (kernel != .noLandlock))
                    if kernel == .landlock2 { #expect(confinement.landlockABI == 2) }
                }
                // Else the next one would read what this one was told.
                try #require(await HostedPlugins.shell("rm -rf '\(directory)/data'") == 0)
            }
        }

        @Test("a RUNPATH grants nothing, and one that leads elsewhere is refused", arguments: [
            "/", "$ORIGIN/..", "/tmp", "relative", "/usr/lib/../../etc", "$ORIGIN:/etc", "${ORIGIN}/../data", "$LIB",
        ])
        func refusesRunPath(_ runPath: String) async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            for flags in ["", "-Wl,--disable-new-dtags "] {
                try await HostedPlugins.compile(
                    "good", into: directory + "/plugins", flags: flags + "-Wl,-rpath,'\(runPath)'")
                try await HostedPlugins.with(directory: directory) { plugins async throws in
                    let failure = try #require(plugins.hosting.failures.first, "\(plugins.hosting.plugins)")
                    #expect(failure.code == "run_path_refused")
                    #expect(failure.message.contains("plugin_library_directories"), "\(failure.message)")
                }
            }
        }

        @Test(
            "a RUNPATH to a directory of libraries, to the plugin's own or to none that exists is no fault",
            arguments: ["$ORIGIN", "/usr/lib", "/nowhere/lib", "$ORIGIN:/lib"])
        func acceptsRunPath(_ runPath: String) async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.compile("good", into: directory + "/plugins", flags: "-Wl,-rpath,'\(runPath)'")
            try await HostedPlugins.with(directory: directory) { plugins async throws in
                #expect(try await plugins.call("good").output == "{\"ok\":true}", "\(plugins.hosting.failures)")
            }
        }

        @Test("the temporary folder is bounded in bytes and files, also in those without a name", arguments: [
            "files", "bytes", "folders", "unlinked", "mapped", "hidden",
        ])
        func boundsDisk(_ how: String) async throws {
            let directory = try await Self.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await HostedPlugins.compile("uses_disk", into: directory + "/plugins")
            // Root can look into every folder.
            if how != "hidden" || geteuid() != 0 { try await Self.checkDisk(how, in: directory) }
        }

        @Test("the temporary folder has a budget also where the server does not run as root")
        func boundsDiskAsUser() async throws {
            await #expect(processExitsWith: .success) {
                let directory = try await Seal.makeDirectory()
                defer { HostedPlugins.remove(directory) }
                try await HostedPlugins.compile("uses_disk", into: directory + "/plugins")
                try await Seal.becomeUser(owning: directory)
                for how in ["hidden", "bytes", "mapped"] { try await Seal.checkDisk(how, in: directory) }
            }
        }

        private static func checkDisk(_ how: String, in directory: String) async throws {
            try await HostedPlugins.with(directory: directory) {
                $0.limits.temporaryFilesMax = 500
                $0.limits.temporaryBytesMax = 48 << 20
                $0.limits.fileBytesMax = 8 << 20
            } _: { plugins async throws in
                let error = try #require(
                    try await plugins.call("uses_disk", input: "\"\(how)\"", timeout: .seconds(120)).error)
                #expect(error.code == StepErrorCode.limitExceeded, "\(error)")
                #expect(error.message.contains("temporary folder"), "\(error.message)")
                #expect(try await plugins.call("uses_disk", "good", input: "1").output == "1")
                #expect(plugins.hosting.statistics.crashes == 0)
            }
        }

        /// Root becomes an ordinary user, who gets the directory.
        private static func becomeUser(owning directory: String) async throws {
            guard geteuid() == 0 else { return }
            let user = 100_000 + uid_t(getpid())
            try #require(await HostedPlugins.shell("chown -R \(user):\(user) '\(directory)'") == 0)
            try #require(setgroups(0, nil) == 0 && setgid(user) == 0 && setuid(user) == 0)
        }

        @Test("a host whose step left anything is replaced, so that each call begins with an empty folder", arguments: [
            "leave", "leave_hidden", "leave_folder",
        ])
        func replacesHostsWithFiles(_ how: String) async throws {
            try await HostedPlugins.with("uses_disk") {
                $0.pool.hostsPerPluginMax = 1
            } _: { plugins async throws in
                for _ in 0..<3 {
                    #expect(try await plugins.call("uses_disk", input: "\"\(how)\"").output == "\"left\"")
                    #expect(try await plugins.call("uses_disk", input: "\"look\"").output == "0")
                    #expect(try await plugins.call("uses_disk", input: "\"look\"").output == "0")
                }
                // One for the plugin's description is no part of the fleet; each left-over costs one host.
                #expect(plugins.hosting.statistics.spawns == 4)
            }
        }

        @Test("a host that outlives its server is ended by the next one; another process of its number is not")
        func endsLeftovers() async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            let victim = try Victim(in: directory, user: geteuid())
            let stranger = try Victim(in: directory, user: geteuid())
            defer { stranger.end() }
            let marked = await HostedPlugins.shell(
                """
                mkdir -p '\(directory)/data/run/hosts' && cd '\(directory)/data/run/hosts' && \
                started() { cut -d' ' -f22 "/proc/$1/stat"; } && \
                echo "\(victim.process) $(started \(victim.process))" > 7.pid && echo "\(stranger.process) 1" > 8.pid
                """)
            try #require(marked == 0)
            try await HostedPlugins.with(directory: directory) { _ in }
            var status: Int32 = 0
            #expect(waitpid(victim.process, &status, WNOHANG) == victim.process)
            #expect(kill(stranger.process, 0) == 0)
        }

        @Test("a link in place of a directory of the server's is refused", arguments: ["run", "run/hosts", "plugins"])
        func refusesLinks(_ place: String) async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            let made = await HostedPlugins.shell(
                "cd '\(directory)' && mkdir -p data/run elsewhere/hosts && touch elsewhere/kept elsewhere/hosts/kept "
                    + "&& rm -rf 'data/\(place)' && ln -s '\(directory)/elsewhere' 'data/\(place)'")
            try #require(made == 0)
            let error = await #expect(throws: HostingError.self) {
                try await HostedPlugins.with(directory: directory) { _ in }
            }
            #expect(error?.code == .dataDirectory)
            #expect(error?.message.contains("symbolic link") == true, "\(error as Any)")
            #expect(access(directory + "/elsewhere/kept", F_OK) == 0)
            #expect(access(directory + "/elsewhere/hosts/kept", F_OK) == 0)
        }
    }
}
