/// Turns a definition's tree into a `WorkflowDefinition` and gathers everything that is wrong with it.
struct DefinitionChecker {
    let limits: DefinitionLimits
    let functions: (FunctionName) -> FunctionLookup
    var faults: FaultCollector
    /// Each step's name and its first place in `steps`.
    private(set) var stepPlaces: [String: Int] = [:]
    /// In the order of the text.
    private(set) var stepNames: [String] = []
    /// The names that `inputs` may have; nil when the schema leaves them open.
    var inputNames: [String]?
    /// Those of `inputNames`, for look-ups.
    private(set) var knownInputs: Set<String> = []
    var lookups: [FunctionName: FunctionLookup] = [:]
    private let text: String
    private lazy var source = SourceText(text)

    static let keys = ["name", "deliverable_type", "inputs", "steps", "risk", "output", "approval"]
    static let deliverableTypeScalarsMax = 128

    init(
        text: String, limits: DefinitionLimits, faults: FaultCollector,
        functions: @escaping (FunctionName) -> FunctionLookup
    ) {
        self.text = text
        self.limits = limits
        self.faults = faults
        self.functions = functions
    }

    /// nil only after at least one fault; a definition that comes with faults is incomplete.
    mutating func definition(_ root: SourceNode) -> WorkflowDefinition? {
        guard let members = object(root, "") else { return nil }
        checkKeys(members, "", known: Self.keys)
        let name = workflowName(root)
        let deliverableType = root["deliverable_type"].flatMap { self.deliverableType($0) }
        let inputs = root["inputs"].flatMap { self.inputs($0) }
        let steps = self.steps(root)
        let risk = root["risk"].flatMap { self.risk($0) }
        let output = root["output"].map { self.template($0, "output", .end) }
        let release = root["approval"].flatMap { self.release($0, "approval") }
        guard let name else { return nil }
        return WorkflowDefinition(
            name: name, deliverableType: deliverableType ?? name, inputs: inputs, steps: steps, risk: risk,
            output: output, release: release)
    }

    // MARK: parts of the root

    private mutating func workflowName(_ root: SourceNode) -> String? {
        guard let node = required("name", of: root, "") else { return nil }
        guard let name = string(node, "name") else { return nil }
        guard DefinitionNames.isWorkflowName(name) else {
            faults.add(
                .invalidName, "name", node.position,
                name == "stream"
                    ? "'stream' is reserved; choose another name"
                    : "'\(name)' is no name: use 1 to 63 lower-case letters, digits and '-', not '-' at either end")
            return nil
        }
        return name
    }

    private mutating func deliverableType(_ node: SourceNode) -> String? {
        guard let text = string(node, "deliverable_type") else { return nil }
        guard (1...Self.deliverableTypeScalarsMax).contains(text.unicodeScalars.count) else {
            faults.add(
                .invalidValue, "deliverable_type", node.position,
                "deliverable_type has 1 to \(Self.deliverableTypeScalarsMax) characters")
            return nil
        }
        return text
    }

    private mutating func inputs(_ node: SourceNode) -> JSONSchema? {
        guard object(node, "inputs") != nil else { return nil }
        if let type = node["type"], type.json != "object" {
            faults.add(.invalidSchema, "inputs.type", type.position, "inputs are an object; write 'type: object'")
        }
        if node["additionalProperties"]?.json == false, node["patternProperties"] == nil,
            case .object(let properties)? = node["properties"]?.content
        {
            inputNames = properties.map(\.key)
            knownInputs = Set(properties.map(\.key))
        }
        return schema(node, "inputs")
    }

    mutating func schema(_ node: SourceNode, _ path: String) -> JSONSchema? {
        do throws(JSONSchemaError) {
            return try JSONSchema(node.json)
        } catch {
            for fault in error.faults {
                let place = node.place(ofPointer: fault.path, path: path)
                faults.add(.invalidSchema, place.path, place.position, "\(fault.message)")
            }
            return nil
        }
    }

    private mutating func risk(_ node: SourceNode) -> ValueTemplate? {
        switch node.content {
        case .scalar(.string):
            let risk = template(node, "risk", .end)
            if risk.literal == nil { return risk }
        case .scalar(let value):
            guard let number = value.doubleValue else { break }
            guard (0...100).contains(number) else {
                faults.add(.invalidValue, "risk", node.position, "risk is 0 to 100")
                return nil
            }
            return .literal(value)
        default: break
        }
        faults.add(
            .wrongType, "risk", node.position,
            "risk is a number or an expression such as \"${{ steps.score.output.risk }}\", not \(node.typeName)")
        return nil
    }

    private mutating func steps(_ root: SourceNode) -> [StepDefinition] {
        guard let node = required("steps", of: root, "") else { return [] }
        guard case .array(let elements) = node.content else {
            faults.add(.wrongType, "steps", node.position, "steps is a list, not \(node.typeName)")
            return []
        }
        guard !elements.isEmpty else {
            faults.add(.invalidValue, "steps", node.position, "steps is empty; a workflow has at least one step")
            return []
        }
        guard elements.count <= limits.stepsMax else {
            faults.add(
                .tooLarge, "steps", node.position, "\(elements.count) steps exceed the limit of \(limits.stepsMax)")
            return []
        }
        for (place, element) in elements.enumerated() {
            guard case .scalar(.string(let name))? = element["name"]?.content, stepPlaces[name] == nil else { continue }
            stepPlaces[name] = place
            stepNames.append(name)
        }
        var steps: [StepDefinition] = []
        for (place, element) in elements.enumerated() {
            if let step = step(element, place) { steps.append(step) }
        }
        return steps
    }

    // MARK: helpers

    /// The place of a byte of a string's value in the text.
    mutating func position(ofByte offset: Int?, in value: String, at start: SourcePosition) -> SourcePosition {
        guard let offset, offset > 0, !faults.isFull else { return start }
        return source.position(ofByte: offset, in: value, at: start)
    }

    mutating func checkKeys(
        _ members: [SourceNode.Member], _ path: String, known: [String], reserved: [String] = []
    ) {
        for member in members where !known.contains(member.key) {
            let memberPath = path.appendingKey(member.key)
            if reserved.contains(member.key) {
                faults.add(
                    .reservedKey, memberPath, member.keyPosition,
                    "'\(member.key)' comes in a later version; leave it out for now")
            } else {
                let suggestion = faults.suggestion(for: member.key, among: known)
                let hint = suggestion.isEmpty ? "; the keys here are \(known.joined(separator: ", "))" : suggestion
                faults.add(.unknownKey, memberPath, member.keyPosition, "unknown key '\(member.key)'\(hint)")
            }
        }
    }

    mutating func required(_ key: String, of node: SourceNode, _ path: String) -> SourceNode? {
        if let value = node[key] { return value }
        faults.add(.missingKey, path, node.position, "the key '\(key)' is missing")
        return nil
    }

    mutating func object(_ node: SourceNode, _ path: String) -> [SourceNode.Member]? {
        if case .object(let members) = node.content { return members }
        let name = path.isEmpty ? "a definition" : path
        faults.add(.wrongType, path, node.position, "\(name) is an object, not \(node.typeName)")
        return nil
    }

    mutating func string(_ node: SourceNode, _ path: String) -> String? {
        if case .scalar(.string(let text)) = node.content { return text }
        let hint = if case .scalar = node.content { "; put it in quotes" } else { "" }
        faults.add(.wrongType, path, node.position, "\(path) is a text, not \(node.typeName)\(hint)")
        return nil
    }

    /// One of an enumeration's raw values.
    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ node: SourceNode, _ path: String, _: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        guard let text = string(node, path) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let known = Choice.allCases.map(\.rawValue)
        faults.add(
            .invalidValue, path, node.position,
            "'\(text)' is not one of \(known.joined(separator: ", "))\(faults.suggestion(for: text, among: known))")
        return nil
    }

    mutating func duration(_ node: SourceNode, _ path: String) -> Duration? {
        guard case .scalar(.string(let text)) = node.content, let duration = Duration(parsing: text) else {
            let given = if case .scalar(let value) = node.content { value.encodedText } else { node.typeName }
            faults.add(
                .invalidDuration, path, node.position, "\(given) is no duration: write \(Duration.textForms)")
            return nil
        }
        guard duration > .zero, duration <= DefinitionNames.durationMax else {
            faults.add(.invalidDuration, path, node.position, "'\(text)' is out of range: 1ms to 7d")
            return nil
        }
        return duration
    }
}

extension SourceNode {
    /// Follows a JSON Pointer (RFC 6901) as far as the tree goes.
    fileprivate func place(ofPointer pointer: String, path: String) -> (path: String, position: SourcePosition) {
        var node = self
        var path = path
        var position = self.position
        for key in JSONPointer.tokens(of: pointer) ?? [] {
            switch node.content {
            case .object(let members):
                guard let member = members.first(where: { $0.key == key }) else { return (path, position) }
                node = member.value
                position = member.value.position
                path = path.appendingKey(key)
            case .array(let elements):
                guard let index = Int(key), elements.indices.contains(index) else { return (path, position) }
                node = elements[index]
                position = node.position
                path += "[\(index)]"
            case .scalar: return (path, position)
            }
        }
        return (path, position)
    }
}
