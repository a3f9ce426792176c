@testable import WorkflowModel

/// JSON Schema: the first line is the schema, the rest the value; checked twice, the answer is the same.
enum SchemaFuzzer {
    static func read(_ input: [UInt8]) {
        guard let (document, text) = input.firstLineAndRest,
            let document = try? JSONValue(parsing: document, limits: JSONLimits(wideIntegersRefused: false)),
            let schema = try? JSONSchema(document), let value = try? JSONValue(parsing: text)
        else { return }
        let violations = schema.violations(of: value, stepsMax: PatternFuzzer.stepsMax)
        require(violations.count <= JSONSchema.violationsCountMax + 1, "more violations than the limit")
        require(
            schema.violations(of: value, stepsMax: PatternFuzzer.stepsMax) == violations, "a second check differs")
    }
}
