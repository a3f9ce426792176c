import FixtureCache
import Glibc
import StepHosting
import Testing
import WorkflowEngine
import WorkflowModel

extension StepHostingSuite {
    /// A Swift plugin works however it was built. The step host links no Swift, so the runtime is the plugin's own;
    /// what another toolchain than the installed one would bring cannot be shown here.
    @Suite("builds of a Swift plugin") struct PluginBuilds {
        struct Build: CustomTestStringConvertible, Sendable {
            var testDescription: String
            var optimization: String
            var linking = ""
        }

        static let builds: [Build] = [
            Build(testDescription: "debug", optimization: "-Onone"),
            Build(testDescription: "release", optimization: "-O"),
            Build(testDescription: "release with a static runtime", optimization: "-O", linking: "-static-stdlib"),
        ]

        @Test("it runs tasks, answers and fails the same", arguments: builds)
        func works(_ build: Build) async throws {
            let directory = try HostedPlugins.makeDirectory()
            defer { HostedPlugins.remove(directory) }
            try await Self.compile(build, in: directory)
            try await HostedPlugins.with(directory: directory) { plugins async throws in
                #expect(plugins.hosting.failures.isEmpty, "\(plugins.hosting.failures)")
                let squares = try await plugins.call("built", input: "[3,1,2]", timeout: .seconds(60))
                #expect(squares.output == #"["1","4","9"]"#)
                let unfit = try #require(try await plugins.call("built", input: "[1.5]").error)
                #expect(unfit.code == StepErrorCode.invalidInput)
                let trap = try #require(try await plugins.call("built", "trap", input: "[]").error)
                #expect(trap.code == StepErrorCode.signal)
                let frames = trap.diagnostics?.split(separator: "\n").filter {
                    $0.hasPrefix("stepstream-frame: built.so+0x")
                }
                #expect(
                    frames?.first?.contains(" Built.(theGuiltyFunction in ") == true, "\(trap.diagnostics ?? "none")")
                #expect(try await plugins.call("built", "good", input: "1", timeout: .seconds(60)).output == "1")
            }
        }

        /// The SDK and the plugin of `built.swift`, by the compiler alone: the settings are all that differs.
        private static func compile(_ build: Build, in directory: String) async throws {
            let tests = HostedPlugins.testsDirectory
            let (kit, headers) = ("\(tests)/../Sources/StepKit", "\(tests)/../Sources/StepABI/include")
            let library = try await HostedPlugins.built(
                FixtureCache.Recipe(
                    """
                    echo 'module StepABI { header "\(headers)/step_abi.h" export * }' > module.modulemap \
                    && find '\(kit)' -name '*.swift' > sources \
                    && swiftc \(build.optimization) -swift-version 6 -package-name stepstream -parse-as-library -wmo \
                    -enable-upcoming-feature MemberImportVisibility -enable-upcoming-feature InternalImportsByDefault \
                    -module-name StepKit -emit-module -emit-module-path StepKit.swiftmodule \
                    -emit-object -o StepKit.o -Xcc -fmodule-map-file=module.modulemap @sources
                    """, compiler: "swiftc", sources: [kit, headers]))
            let source = "\(tests)/HostilePlugins/built.swift"
            let plugin = try await HostedPlugins.built(
                FixtureCache.Recipe(
                    """
                    swiftc \(build.optimization) \(build.linking) -swift-version 6 -parse-as-library -I '\(library)' \
                    -module-name Built -Xcc -fmodule-map-file='\(library)/module.modulemap' '\(source)' \
                    '\(library)/StepKit.o' -emit-library -o built.so 2> linking || { cat linking; false; }
                    """, compiler: "swiftc", sources: [source]))
            try await HostedPlugins.copy("\(plugin)/built.so", to: "\(directory)/plugins/built.so")
        }
    }
}
