import StepKit

extension CellValue: StepSchemaProviding {
    static var stepSchema: StepValue { ["type": ["null", "boolean", "integer", "number", "string"]] }
}
