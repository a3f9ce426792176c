@testable import WorkflowModel

/// YAML: what is read has a JSON form that reads equal, and a definition means the same in both.
enum YAMLFuzzer {
    static func read(_ input: [UInt8]) {
        let isDefinition = DefinitionFuzzer.readTwice(input, .yaml)
        guard let value = DefinitionReader.json(input, format: .yaml) else { return }
        let json = value.encoded
        // Aliases and white space may make the one larger than the other.
        guard json.count <= DefinitionLimits().bytesMax else { return }
        require(DefinitionReader.json(json, format: .json) == value, "the JSON form reads as another value")
        guard isDefinition else { return }
        require(DefinitionFuzzer.readTwice(json, .json), "the JSON form of a definition is refused")
    }
}

/// Definitions as a whole, checks included.
enum DefinitionFuzzer {
    /// - Returns: whether the text is a definition without faults.
    @discardableResult static func readTwice(_ source: [UInt8], _ format: DefinitionFormat) -> Bool {
        let first = faults(source, format)
        let second = faults(source, format)
        require(first?.faults == second?.faults, "another reading finds other faults")
        guard let first else { return true }
        require(!first.faults.isEmpty, "refused without a fault")
        require(first.faults.count <= DefinitionLimits().faultsMax, "more faults than the limit")
        for fault in first.faults {
            require(fault.line >= 1 && fault.column >= 1, "a fault without a place: \(fault)")
        }
        return false
    }

    private static func faults(_ source: [UInt8], _ format: DefinitionFormat) -> DefinitionError? {
        do throws(DefinitionError) {
            _ = try DefinitionReader.read(source, format: format, functions: lookup)
            return nil
        } catch {
            return error
        }
    }

    private static func lookup(_ function: FunctionName) -> FunctionLookup {
        switch function.plugin {
        case "tabular": .known(input: ["type": "object", "properties": ["text": ["type": "string", "minLength": 1]]])
        case "risk": .known(input: nil)
        case "missing": .unknown { [FunctionName(plugin: "missing", function: "other")] }
        default: .unchecked
        }
    }
}
