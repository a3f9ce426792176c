import StepKit

extension Profile.Bound: StepSchemaProviding {
    static var stepSchema: StepValue { ["type": ["number", "string"]] }
}
