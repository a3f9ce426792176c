/// The language a definition is written in.
package enum DefinitionFormat: String, CaseIterable, Sendable {
    case yaml, json
}

/// What is known of a function that a step names.
package enum FunctionLookup: Sendable {
    /// It exists; `input` is the JSON Schema that its plugin declares, if any.
    case known(input: JSONValue?)
    /// It does not exist; `among` lists those that do, for a suggestion. Listed only for a fault that is kept.
    case unknown(among: @Sendable () -> [FunctionName])
    /// There is no catalogue to ask.
    case unchecked
}

/// Reads and checks a workflow definition as a whole (`deploy/guide/workflow-definition.md`).
package enum DefinitionReader {
    /// Reads a definition from UTF-8 text.
    ///
    /// - Parameters:
    ///   - format: nil takes a text whose first sign is `{` for JSON, any other for YAML.
    ///   - functions: asked once for every function that a step names.
    /// - Throws: `DefinitionError` with every fault that could be found, in the order of the text.
    package static func read(
        _ source: [UInt8], format: DefinitionFormat? = nil, limits: DefinitionLimits = DefinitionLimits(),
        functions: (FunctionName) -> FunctionLookup
    ) throws(DefinitionError) -> WorkflowDefinition {
        var faults = FaultCollector(countMax: limits.faultsMax)
        let start = SourcePosition(line: 1, column: 1)
        guard source.count <= limits.bytesMax else {
            faults.add(
                .tooLarge, "", start, "a definition of \(source.count) bytes exceeds the limit of \(limits.bytesMax)")
            throw faults.error
        }
        let bytes = ByteOrderMark.skipped(source)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            faults.add(.syntax, "", start, "the definition is not valid UTF-8")
            throw faults.error
        }
        guard let root = tree(bytes, text, format, limits, &faults) else { throw faults.error }
        return try withoutActuallyEscaping(functions) { functions throws(DefinitionError) in
            var checker = DefinitionChecker(text: text, limits: limits, faults: faults, functions: functions)
            guard let definition = checker.definition(root), checker.faults.isEmpty else { throw checker.faults.error }
            return definition
        }
    }

    /// What a text says, unchecked and without its places, so that two can be compared; nil for what cannot be read.
    package static func json(_ source: [UInt8], format: DefinitionFormat? = nil) -> JSONValue? {
        let bytes = ByteOrderMark.skipped(source)
        let limits = DefinitionLimits()
        guard bytes.count <= limits.bytesMax, let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var faults = FaultCollector(countMax: 1)
        return tree(bytes, text, format, limits, &faults)?.json
    }

    /// The language of a text whose name does not tell it.
    package static func format(of source: [UInt8]) -> DefinitionFormat {
        let first = ByteOrderMark.skipped(source).first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        return first == UInt8(ascii: "{") ? .json : .yaml
    }

    private static func tree(
        _ bytes: [UInt8], _ text: String, _ format: DefinitionFormat?, _ limits: DefinitionLimits,
        _ faults: inout FaultCollector
    ) -> SourceNode? {
        switch format ?? self.format(of: bytes) {
        case .json: JSONSourceReader.read(bytes, limits, &faults)
        case .yaml: YAMLSourceReader.read(text, limits, &faults)
        }
    }
}
