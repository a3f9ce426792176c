/// Everything that is wrong with a definition, in the order of the text.
package struct DefinitionError: Error, Sendable, CustomStringConvertible {
    package var faults: [DefinitionFault]
    /// How many more there are than `DefinitionLimits.faultsMax` let through.
    package var faultsOmitted: Int

    package init(faults: [DefinitionFault], faultsOmitted: Int = 0) {
        self.faults = faults
        self.faultsOmitted = faultsOmitted
    }

    package var description: String {
        let lines = faults.map(\.description) + (faultsOmitted > 0 ? ["… and \(faultsOmitted) more"] : [])
        return lines.joined(separator: "\n")
    }
}

/// One thing that is wrong, where, and how to put it right.
package struct DefinitionFault: Hashable, Sendable, CustomStringConvertible {
    /// Stable names of the faults; the guide lists them.
    package enum Code: String, CaseIterable, Sendable {
        /// Neither YAML nor JSON can be read from the text.
        case syntax
        case tooLarge = "too_large"
        case tooDeep = "too_deep"
        case unsupportedYAML = "unsupported_yaml"
        case duplicateKey = "duplicate_key"
        case unknownKey = "unknown_key"
        case missingKey = "missing_key"
        case reservedKey = "reserved_key"
        case wrongType = "wrong_type"
        case invalidValue = "invalid_value"
        case invalidName = "invalid_name"
        case duplicateName = "duplicate_name"
        case invalidDuration = "invalid_duration"
        case invalidSchema = "invalid_schema"
        case invalidExpression = "invalid_expression"
        case unknownReference = "unknown_reference"
        case unknownFunction = "unknown_function"
        /// `with` does not fit the input schema that the function's plugin declares.
        case invalidInput = "invalid_input"
    }

    /// The place in the definition, such as `steps[1].with.csv`; empty for the whole.
    package var path: String
    /// From 1.
    package var line: Int
    /// From 1, in Unicode scalars.
    package var column: Int
    package var code: Code
    /// What is wrong and how to put it right, for people.
    package var message: String

    package init(path: String, line: Int, column: Int, code: Code, message: String) {
        self.path = path
        self.line = line
        self.column = column
        self.code = code
        self.message = message
    }

    package var description: String {
        "\(line):\(column): \(path.isEmpty ? "" : "\(path): ")\(message) [\(code.rawValue)]"
    }
}
