extension DefinitionChecker {
    /// Holds `with` to the input schema that the plugin declares, as far as it can be known before a run:
    /// keys that are missing, keys that are not allowed, constants that do not fit.
    mutating func checkInput(
        of function: FunctionName, _ step: SourceNode, _ input: ValueTemplate?, _ path: String
    ) {
        guard case .known(input: .object(let schema)?) = lookup(function) else { return }
        let given: [SourceNode.Member]
        switch step["with"]?.content {
        case .object(let members): given = members
        case nil: given = []
        // One expression for the whole, or a fault already told.
        default: return
        }
        let position = step["with"]?.position ?? step.position
        for case .string(let key) in schema["required"]?.arrayValue ?? []
        where !given.contains(where: { $0.key == key }) {
            faults.add(.invalidInput, path, position, "\(function) needs '\(key)' in 'with'")
        }
        guard let properties = schema["properties"]?.objectValue else { return }
        let isClosed = schema["additionalProperties"] == false && schema["patternProperties"] == nil
        for member in given {
            let memberPath = path.appendingKey(member.key)
            guard let property = properties[member.key] else {
                if isClosed {
                    let suggestion = faults.suggestion(for: member.key, among: properties.keys)
                    faults.add(
                        .invalidInput, memberPath, member.keyPosition,
                        "\(function) takes no '\(member.key)'\(suggestion)")
                }
                continue
            }
            guard let constant = constant(member.key, of: input) else { continue }
            // A property whose schema cannot stand alone (a $ref to its surroundings) is left to the run.
            guard let compiled = try? JSONSchema(property) else { continue }
            for violation in compiled.violations(of: constant) {
                faults.add(
                    .invalidInput, memberPath, member.value.position,
                    "\(violation.message) (\(function) declares it so)")
            }
        }
    }

    /// The value under a key of `with` when no expression is in it.
    private func constant(_ key: String, of input: ValueTemplate?) -> JSONValue? {
        switch input {
        case .literal(.object(let members)): members[key]
        case .object(let members): members.first { $0.key == key }?.value.literal
        default: nil
        }
    }
}
