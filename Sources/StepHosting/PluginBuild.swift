import WorkflowEngine
import WorkflowModel

/// What is known of one plugin build when a call for it comes: its functions and their compiled input schemas.
struct PluginBuild: Sendable {
    /// Violations named in an error message; more say no more.
    private static let violationsMax = 10

    private var functions: Set<String> = []
    private var inputs: [String: JSONSchema] = [:]
    private var heartbeatTimeouts: [String: Duration] = [:]

    /// The names of the files it was installed from.
    let fileNames: Set<String>

    init(_ plugin: PluginDescription, fileNames: Set<String>) {
        self.fileNames = fileNames
        for function in plugin.functions {
            functions.insert(function.name)
            heartbeatTimeouts[function.name] = function.heartbeatTimeout
            // A description is only accepted with schemas that compile.
            guard let document = function.input, let schema = try? JSONSchema(document) else { continue }
            inputs[function.name] = schema
        }
    }

    /// How long the function may go without a heartbeat, when it said so.
    func heartbeatTimeout(of function: String) -> Duration? { heartbeatTimeouts[function] }

    /// Why the call cannot be made; nil when it can.
    func refusal(of call: StepCall) -> StepError? {
        guard functions.contains(call.function.function) else {
            return StepError(
                code: StepErrorCode.functionUnavailable,
                message: "the plugin \(call.function.plugin) has no function \(call.function.function)",
                isRetryable: false)
        }
        guard let schema = inputs[call.function.function] else { return nil }
        do throws(JSONError) {
            let violations = schema.violations(of: try JSONValue(parsing: call.input))
            return violations.isEmpty ? nil : invalid(Self.text(violations))
        } catch {
            return invalid("it is not valid JSON: \(error)")
        }
    }

    private func invalid(_ what: String) -> StepError {
        StepError(
            code: StepErrorCode.invalidInput, message: "the input does not fit the function: \(what)",
            isRetryable: false)
    }

    private static func text(_ violations: [JSONSchemaViolation]) -> String {
        let named = violations.prefix(violationsMax).map { "\($0.path.isEmpty ? "/" : $0.path): \($0.message)" }
        let more = violations.count - named.count
        return named.joined(separator: "; ") + (more > 0 ? "; and \(more) more" : "")
    }
}
