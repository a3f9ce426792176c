import Testing
import WorkflowModel

@Suite("The schema of definitions")
struct WorkflowSchemaTests {
    private func violations(_ definition: JSONValue) throws -> [JSONSchemaViolation] {
        try JSONSchema(DefinitionReader.workflowSchema).violations(of: definition)
    }

    @Test("the design's example fits the published schema")
    func example() throws {
        #expect(try violations(try JSONValue(parsing: DefinitionSamples.reviewJSON)).isEmpty)
    }

    /// What a schema can see: the reader and the schema have to agree on it.
    @Test(
        "what the schema refuses the reader refuses too, and the other way round",
        arguments: [
            (["name": "b"], true), (["name": "B"], false), (["name": "stream"], false), (["name": "-"], false),
            (["name": 1], false), (["deliverable_type": ""], false), (["deliverable_type": "x"], true),
            (["steps": []], false), (["steps": [:]], false), (["approval": [:]], false), (["x": 1], false),
            (["risk": 50], true), (["risk": 101], false), (["risk": "${{ 1 }}"], true), (["risk": nil], false),
            (["inputs": ["type": "object"]], true), (["inputs": ["type": "array"]], false), (["inputs": 1], false),
            (["output": nil], true),
            (["approval": ["required_when": "risk_score >= 70", "approvers": ["a"]]], true),
            (["approval": ["approvers": ["a"]]], false), (["approval": ["required_when": "true"]], false),
            (["approval": ["required_when": true, "approvers": ["a"]]], false),
            (["approval": ["required_when": "${{ true }}", "approvers": ["a"]]], false),
            (["inputs": ["type": "object", "$schema": "https://json-schema.org/draft/2020-12/schema"]], true),
            (["inputs": ["type": "object", "$schema": "http://json-schema.org/draft-07/schema#"]], false),
        ] as [(JSONValue, Bool)])
    func root(_ change: JSONValue, _ isValid: Bool) throws {
        try check(Self.definition(root: change), isValid)
    }

    @Test(
        "the same for a step",
        arguments: [
            (["name": "a-b_C9"], true), (["name": "1"], false), (["name": "a.b"], false), (["name": nil], false),
            (["function": "x"], false), (["function": "X.y"], false), (["with": [1]], false),
            (["with": "${{ inputs.a }}"], true), (["with": "x"], false), (["when": "true"], true),
            (["when": true], false), (["when": ""], false), (["timeout": "5m"], true), (["timeout": 5], false),
            (["timeout": "5 m"], false), (["timeout": "7d"], true), (["timeout": "007d"], true),
            (["timeout": "8d"], false), (["timeout": "0s"], false), (["timeout": "00ms"], false),
            (["timeout": "168h"], true), (["timeout": "169h"], false), (["timeout": "10080m"], true),
            (["timeout": "10081m"], false), (["timeout": "604800s"], true), (["timeout": "604801s"], false),
            (["timeout": "604799999ms"], true), (["timeout": "604800001ms"], false),
            (["timeout": "99999999999d"], false),
            (["when": "${{ true }}"], false), (["on_failure": "continue"], true), (["on_failure": "stop"], false),
            (["needs": []], false), (["retry": ["max_attempts": 100]], true), (["retry": ["max_attempts": 101]], false),
            (["retry": ["max_attempts": 1.5]], false), (["retry": ["multiplier": 1]], true),
            (["retry": ["multiplier": 11]], false), (["retry": ["jitter": "none"]], true),
            (["retry": ["jitter": "x"]], false), (["retry": ["non_retryable": ["a_1"]]], true),
            (["retry": ["non_retryable": ["A"]]], false), (["retry": ["max_interval": "60s"]], true),
            (["retry": ["x": 1]], false),
        ] as [(JSONValue, Bool)])
    func step(_ change: JSONValue, _ isValid: Bool) throws {
        try check(Self.definition(step: change), isValid)
    }

    @Test(
        "the same for an approval",
        arguments: [
            ([:], true), (["approvers": []], false), (["approvers": "a"], false), (["approvers": ["a", "a"]], false),
            (["approvers": ["a|b"]], false), (["approvers": [""]], false), (["quorum": 2], true),
            (["quorum": 0], false),
            (["quorum": 1.5], false), (["four_eyes": true], true), (["four_eyes": "yes"], false),
            (["form": ["type": "object"]], true), (["form": true], false), (["deadline": "24h"], true),
            (["deadline": "1 day"], false), (["remind_every": "1h"], true), (["reason": ""], false),
            (["on_expiry": "approve"], false), (["on_expiry": "approve", "deadline": "1h"], true),
            (["on_expiry": "wait", "deadline": "1h"], false), (["on_expiry": "escalate", "deadline": "1h"], false),
            (["on_expiry": "escalate", "deadline": "1h", "escalate_to": ["b"]], true),
            (["escalate_to": ["b"]], false), (["escalate_after": "1h"], false),
            (["escalate_to": ["b"], "escalate_after": "1h"], true), (["required_when": "true"], false),
            (["x": 1], false), (["deadline": "8d"], false), (["remind_every": "0s"], false),
        ] as [(JSONValue, Bool)])
    func approval(_ change: JSONValue, _ isValid: Bool) throws {
        var approval = Sample.scope(["approvers": ["a"]])
        for (key, value) in Sample.scope(change) { approval[key] = value }
        let gate: JSONValue = ["name": "review", "approval": .object(approval)]
        try check(["name": "a", "steps": [gate]], isValid)
        // A step either calls or waits.
        try check(["name": "a", "steps": [gate.setting(["function"], to: "risk.score")]], false)
    }

    private func check(_ definition: JSONValue, _ isValid: Bool) throws {
        let text = definition.encodedText
        let faults = DefinitionSamples.faults(text, .json)
        #expect(faults.isEmpty == isValid, "\(text): \(faults)")
        let found = try violations(definition)
        #expect(found.isEmpty == isValid, "\(text): \(found)")
    }

    private static func definition(root: JSONValue = [:], step: JSONValue = [:]) -> JSONValue {
        var members = Sample.scope(["name": "s", "function": "risk.score"])
        for (key, value) in Sample.scope(step) { members[key] = value }
        var definition = JSONObject([("name", "a"), ("steps", .array([.object(members)]))])
        for (key, value) in Sample.scope(root) { definition[key] = value }
        return .object(definition)
    }
}
