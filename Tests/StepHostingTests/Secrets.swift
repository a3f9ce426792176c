import Testing
import WorkflowEngine
import WorkflowModel

@testable import StepHosting

extension StepHostingSuite {
    @Suite("secrets of plugins") struct Secrets {
        static let secrets = PluginSecrets([
            "secrets": ["api_key": "sesame-open", "short": "sesame"], "good": ["password": "not yours"],
        ])

        @Test("a plugin gets its own by name, and none of another's")
        func given() async throws {
            try await HostedPlugins.with("secrets") {
                $0.secrets = Self.secrets
            } _: { plugins async throws in
                for (name, answer) in [
                    ("api_key", "[0,\"sesame-open\"]"), ("secrets/short", "[0,\"sesame\"]"), ("nothing", "[1,\"\"]"),
                    ("good/password", "[2,\"\"]"), ("password", "[1,\"\"]"), ("nobody/password", "[2,\"\"]"),
                    ("", "[1,\"\"]"), ("secrets/", "[1,\"\"]"),
                ] {
                    #expect(try await plugins.call("secrets", "act", input: "\"\(name)\"").output == answer, "\(name)")
                }
            }
        }

        @Test("a plugin without secrets finds none")
        func none() async throws {
            try await HostedPlugins.with("secrets") { plugins async throws in
                #expect(try await plugins.call("secrets", "act", input: "\"api_key\"").output == "[1,\"\"]")
            }
        }

        @Test("what it says of them is masked in errors, diagnostics, progress and logs, also in a later call")
        func masked() async throws {
            try await HostedPlugins.with("secrets") {
                $0.secrets = Self.secrets
            } _: { plugins async throws in
                for function in ["tells", "later"] {
                    let outcome = try await plugins.call("secrets", function, input: "\"api_key\"")
                    let error = try #require(outcome.error)
                    #expect(error.code == "got_***")
                    #expect(error.message == "it is ***, ***")
                    #expect(error.diagnostics == "it is ***\n")
                }
                let fields = Array("{\"secret\":\"***\"}".utf8)
                let told: [StepActivity.Kind] = [
                    .progress(fraction: 0.5, note: "it is ***"),
                    .log(level: .info, message: "it is ***", fields: fields),
                ]
                #expect(plugins.activity.all.map(\.kind) == told + told)
            }
        }

        @Test("the last words of a process that dies are masked in the attempt's error and in the server's log")
        func lastWords() async throws {
            let log = LogLines()
            try await HostedPlugins.with("secrets", log: log) {
                $0.secrets = Self.secrets
                $0.pool.warmPerPlugin = 1
                $0.pool.hostsPerPluginMax = 1
            } _: { plugins async throws in
                #expect(try await plugins.call("secrets", "act", input: "\"api_key\"").output == "[0,\"sesame-open\"]")
                let error = try #require(try await plugins.call("secrets", "dies").error)
                #expect(error.diagnostics?.contains("it was ***") == true, "\(error)")
            }
            let line = try #require(log.all.first { $0.hasPrefix("step host lost") }, "\(log.all)")
            #expect(line.contains("it was ***") && !line.contains("sesame"), "\(line)")
        }

        @Test("the mask finds values as they stand in JSON, the longest first, and at the edges")
        func mask() {
            let mask = SecretMask(["a\"b\n", "abcd", "abcdef", "été"])
            #expect(
                mask.hide(in: "a\"b\n {\"x\":\"a\\\"b\\n\"} abcdefabcd xabcdy été")
                    == "*** {\"x\":\"***\"} ****** x***y ***")
            #expect(mask.hide(in: "abc") == "abc")
        }

        @Test("no description shows a value")
        func description() {
            var text = "\(Self.secrets) \(String(reflecting: Self.secrets))"
            dump(Self.secrets, to: &text)
            #expect(text.contains("good") && !text.contains("sesame") && !text.contains("not yours"))
        }
    }
}
