extension DefinitionChecker {
    /// Where an expression stands, which decides what it can see.
    enum Scope {
        /// In the step at this place: the steps before it.
        case step(Int)
        /// In `risk`, `output` or `approval.required_when`: every step.
        case end
    }

    /// What an expression sees at its root. The guide documents it.
    static let roots = ["execution", "inputs", "risk_score", "steps"]
    static let executionMembers = ["id", "workflow", "revision"]
    static let stepMembers = ["output", "status", "error"]
    static let errorMembers = ["code", "message"]

    /// Reads `when` or `required_when`: an expression as it stands, without `${{ }}`.
    mutating func condition(_ node: SourceNode, _ path: String, _ scope: Scope) -> Expression? {
        guard let text = string(node, path) else { return nil }
        do throws(ExpressionError) {
            let expression = try Expression(parsing: text)
            check(expression, offset: 0, text, node, path, scope)
            return expression
        } catch {
            add(error, text, node, path)
            return nil
        }
    }

    /// Reads a value that may hold `${{ }}` anywhere; what cannot be read leaves a fault.
    mutating func template(_ node: SourceNode, _ path: String, _ scope: Scope) -> ValueTemplate {
        switch node.content {
        case .scalar(.string(let text)): return template(text, node, path, scope)
        case .scalar(let value): return .literal(value)
        case .array(let elements):
            var templates: [ValueTemplate] = []
            for (place, element) in elements.enumerated() {
                templates.append(template(element, "\(path)[\(place)]", scope))
            }
            return ValueTemplate(elements: templates)
        case .object(let members):
            var templates: [(key: String, value: ValueTemplate)] = []
            for member in members {
                let memberPath = path.appendingKey(member.key)
                if member.key.contains("${{") {
                    faults.add(
                        .invalidExpression, memberPath, member.keyPosition,
                        "a key holds no expression; build the object with a map literal in a value")
                }
                templates.append((member.key, template(member.value, memberPath, scope)))
            }
            return ValueTemplate(members: templates)
        }
    }

    private mutating func template(
        _ text: String, _ node: SourceNode, _ path: String, _ scope: Scope
    ) -> ValueTemplate {
        var found: [(expression: Expression, offset: Int)] = []
        do throws(ExpressionError) {
            let template = try ValueTemplate(parsing: text, expressions: &found)
            for (expression, offset) in found { check(expression, offset: offset, text, node, path, scope) }
            return template
        } catch {
            for (expression, offset) in found { check(expression, offset: offset, text, node, path, scope) }
            add(error, text, node, path)
            // Not a literal: what could not be read is not held to the function's schema as well.
            return .text([])
        }
    }

    private mutating func add(_ error: ExpressionError, _ text: String, _ node: SourceNode, _ path: String) {
        let position = position(ofByte: error.offset, in: text, at: node.position)
        // Where the text is not spelt out (block scalars, escapes), the place is told in words.
        let place =
            position == node.position && (error.offset ?? 0) > 0
            ? " (at byte \((error.offset ?? 0) + 1) of the text)" : ""
        faults.add(.invalidExpression, path, position, error.message + place)
    }

    /// Checks every name that an expression uses.
    private mutating func check(
        _ expression: Expression, offset: Int, _ text: String, _ node: SourceNode, _ path: String, _ scope: Scope
    ) {
        for (name, place) in expression.unknownFunctions {
            let position = position(ofByte: offset + place, in: text, at: node.position)
            faults.add(.invalidExpression, path, position, fault(ofCall: name))
        }
        for reference in expression.references {
            guard let message = fault(of: reference, scope) else { continue }
            let position = position(ofByte: offset + reference.offset, in: text, at: node.position)
            faults.add(.unknownReference, path, position, message)
        }
    }

    /// What is wrong with a call that names no function, or one that is not called so, in words.
    private mutating func fault(ofCall name: String) -> String {
        let known = Expression.functionNames
        if ExpressionMacro.allCases.contains(where: { $0.rawValue == name }) {
            return "the first argument of '\(name)' is a name for the element, as in list.\(name)(item, item > 1)"
        }
        if known.contains(name) { return "'\(name)' is not called this way; the guide to expressions shows how" }
        return "unknown function '\(name)' in an expression\(faults.suggestion(for: name, among: known))"
    }

    /// What is wrong with a reference, in words; nil when it names something.
    private mutating func fault(of reference: Expression.Reference, _ scope: Scope) -> String? {
        let path = reference.path
        guard Self.roots.contains(path[0]) else {
            let suggestion = faults.suggestion(for: path[0], among: Self.roots)
            let known = suggestion.isEmpty ? "; there are inputs, steps, execution and risk_score" : suggestion
            return "unknown name '\(path[0])'\(known)"
        }
        switch path[0] {
        case "steps": return fault(ofStep: reference, scope)
        case "inputs":
            guard path.count > 1, let inputNames, !knownInputs.contains(path[1]) else { return nil }
            return "inputs has no '\(path[1])'\(faults.suggestion(for: path[1], among: inputNames))"
        case "risk_score":
            return path.count > 1 || reference.continuesDynamically ? "risk_score is a number and has no fields" : nil
        default:
            let members = Self.executionMembers
            let list = members.map { "\(path[0]).\($0)" }.joined(separator: ", ")
            guard path.count > 1 else { return "name what you need of it: \(list)" }
            guard !members.contains(path[1]) else { return nil }
            let suggestion = faults.suggestion(for: path[1], among: members)
            return "\(path[0]) has no '\(path[1])'\(suggestion.isEmpty ? "; there are \(list)" : suggestion)"
        }
    }

    private mutating func fault(ofStep reference: Expression.Reference, _ scope: Scope) -> String? {
        let path = reference.path
        guard path.count > 1 else {
            return "name the step and what you need of it, such as steps.NAME.output"
        }
        let name = path[1]
        guard let place = stepPlaces[name] else {
            return "there is no step '\(name)'\(faults.suggestion(for: name, among: stepNames))"
        }
        if case .step(let present) = scope {
            if place == present { return "step '\(name)' cannot read itself" }
            if place > present { return "step '\(name)' comes later; a step reads only steps before it" }
        }
        guard path.count > 2 else { return "say what you need of it: steps.\(name).output, .status or .error" }
        guard Self.stepMembers.contains(path[2]) else {
            let suggestion = faults.suggestion(for: path[2], among: Self.stepMembers)
            return "a step has output, status and error, no '\(path[2])'"
                + (suggestion.isEmpty ? "; a field of its output is steps.\(name).output.\(path[2])" : suggestion)
        }
        if path[2] == "status", path.count > 3 || reference.continuesDynamically { return "a step's status is a text" }
        if path[2] == "error", path.count > 3, !Self.errorMembers.contains(path[3]) {
            return "a step's error has code and message, no '\(path[3])'"
        }
        return nil
    }
}
