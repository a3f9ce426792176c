/// A checked workflow definition: what a stored revision means to the engine.
///
/// Built by `DefinitionReader` from YAML or JSON; every expression in it is parsed, every reference known.
package struct WorkflowDefinition: Sendable {
    /// DNS label (RFC 1123), not `stream`.
    package var name: String
    package var deliverableType: String
    /// JSON Schema 2020-12 of the inputs; nil accepts any object.
    package var inputs: JSONSchema?
    package var steps: [StepDefinition]
    /// Replaces the reported risk, 0…100.
    package var risk: ValueTemplate?
    package var output: ValueTemplate?
    /// Holds the result of some runs until somebody decides.
    package var release: ReleaseDefinition?

    package init(
        name: String, deliverableType: String, inputs: JSONSchema? = nil, steps: [StepDefinition],
        risk: ValueTemplate? = nil, output: ValueTemplate? = nil, release: ReleaseDefinition? = nil
    ) {
        self.name = name
        self.deliverableType = deliverableType
        self.inputs = inputs
        self.steps = steps
        self.risk = risk
        self.output = output
        self.release = release
    }
}

/// One entry of `steps`.
package struct StepDefinition: Sendable {
    /// Unique within the definition; also the step's path while definitions are flat.
    package var name: String
    package var action: StepAction
    package var input: ValueTemplate
    /// Skips the step when it evaluates to false.
    package var when: Expression?
    /// Per attempt, from the moment a host has the call.
    package var timeout: Duration
    package var retry: RetryPolicy
    package var onFailure: FailurePolicy

    package static let timeoutDefault = Duration.seconds(300)

    package init(
        name: String, action: StepAction, input: ValueTemplate = .literal(.object(JSONObject())),
        when: Expression? = nil, timeout: Duration = Self.timeoutDefault, retry: RetryPolicy = RetryPolicy(),
        onFailure: FailurePolicy = .fail
    ) {
        self.name = name
        self.action = action
        self.input = input
        self.when = when
        self.timeout = timeout
        self.retry = retry
        self.onFailure = onFailure
    }

    /// What the step calls; nil for a gate.
    package var function: FunctionName? { if case .call(let function) = action { function } else { nil } }
    /// What a gate asks for; nil for a call.
    package var gate: ApprovalDefinition? { if case .gate(let approval) = action { approval } else { nil } }
}

/// What a step does.
package enum StepAction: Sendable, CustomStringConvertible {
    case call(FunctionName)
    /// Holds the run until somebody decides.
    case gate(ApprovalDefinition)

    /// As events and listings name it: `plugin.function`, or `approval` for a gate.
    package var description: String {
        switch self {
        case .call(let function): function.description
        case .gate: "approval"
        }
    }
}

/// What a finally failed step means for the run.
package enum FailurePolicy: String, CaseIterable, Sendable {
    case fail, `continue`
}

/// `plugin.function`, as `steps[].function` names it.
package struct FunctionName: Hashable, Sendable, CustomStringConvertible {
    package var plugin: String
    package var function: String

    package init(plugin: String, function: String) {
        self.plugin = plugin
        self.function = function
    }

    /// Reads `plugin.function`; both parts are `[a-z][a-z0-9_-]*`; nil otherwise.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy(Self.isName) else { return nil }
        self.init(plugin: String(parts[0]), function: String(parts[1]))
    }

    package var description: String { "\(plugin).\(function)" }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
        return text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
