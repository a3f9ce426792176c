/// One check of a value: carries the path, what was found, and what is left of the bounds.
struct SchemaEvaluator {
    private enum Token {
        case name(String)
        case index(Int)
    }

    /// What takes longer than a step, in steps.
    private enum Cost {
        /// A violation's path and message.
        static let message = 8
        static let bytesPerStep = 32
    }

    let nodes: [SchemaNode]
    /// Whether every violation is wanted, or only the answer.
    private(set) var isCollecting: Bool
    private(set) var violations: [JSONSchemaViolation] = []
    /// Set once a bound was met; no answer counts from then on.
    private(set) var limit: JSONSchemaViolation?
    private let stepsMax: Int
    private var budget: WorkBudget
    private var depth = 0
    private var path: [Token] = []

    init(nodes: [SchemaNode], isCollecting: Bool, stepsMax: Int) {
        self.nodes = nodes
        self.isCollecting = isCollecting
        self.stepsMax = stepsMax
        budget = WorkBudget(stepsMax: stepsMax)
    }

    /// Whether `value` fits a node; `keyword` is the one that applies it.
    mutating func check(_ node: Int, _ value: JSONValue, by keyword: String) -> Bool {
        guard spend(1) else { return false }
        switch nodes[node] {
        case .always: return true
        case .never: return fail(keyword, "is not allowed")
        case .keywords(let keywords):
            guard depth < JSONSchema.depthMax else {
                return exceed("the value or its schema nests deeper than \(JSONSchema.depthMax)")
            }
            depth += 1
            defer { depth -= 1 }
            return all(keywords) { evaluator, keyword in evaluator.check(keyword, value) }
        }
    }

    private mutating func check(_ keyword: SchemaKeyword, _ value: JSONValue) -> Bool {
        switch keyword {
        case .type(let types):
            return types.isSuperset(of: SchemaTypes(of: value)) || fail("type", "must be \(types.text)")
        case .constant(let constant):
            guard spend(onComparing: value) else { return false }
            return value == constant || fail("const", "must be \(SchemaCompiler.text(of: constant))")
        case .enumeration(let values, let text):
            guard spend(onComparing: value) else { return false }
            return values.contains(value) || fail("enum", "must be one of \(text)")
        case .allOf(let nodes): return all(nodes) { evaluator, node in evaluator.check(node, value, by: "allOf") }
        case .anyOf(let nodes): return checkAnyOf(nodes, value)
        case .oneOf(let nodes): return checkOneOf(nodes, value)
        case .not(let node): return !holds(node, value) || fail("not", "fits what it must not")
        case .conditional(let condition, let then, let otherwise):
            let isMet = holds(condition, value)
            guard let branch = isMet ? then : otherwise else { return true }
            return check(branch, value, by: isMet ? "then" : "else")
        case .reference(let node): return check(node, value, by: "$ref")
        default:
            return switch value {
            case .int, .double: checkNumber(keyword, value)
            case .string(let text): checkString(keyword, text)
            case .array(let elements): checkArray(keyword, elements)
            case .object(let members): checkObject(keyword, members, value)
            case .null, .bool: true
            }
        }
    }

    // MARK: What the keywords share

    /// Takes from the bounds; false when they are used up.
    mutating func spend(_ steps: Int) -> Bool {
        guard limit == nil else { return false }
        return budget.spend(steps) || exceed("the check took more than \(stepsMax) steps")
    }

    /// Takes what it costs to compare or to hash a value.
    mutating func spend(onComparing value: JSONValue) -> Bool {
        switch value {
        case .null, .bool, .int, .double: spend(1)
        case .string(let text): spend(onReading: text)
        case .array(let elements):
            spend(1) && elements.allSatisfy { spend(onComparing: $0) }
        case .object(let members):
            spend(1) && members.allSatisfy { spend(onReading: $0.key) && spend(onComparing: $0.value) }
        }
    }

    /// Takes what it costs to read a text from end to end.
    mutating func spend(onReading text: String) -> Bool { spend(1 + text.utf8.count / Cost.bytesPerStep) }

    /// Whether a pattern matches.
    mutating func matches(_ pattern: Pattern, _ text: String) -> Bool {
        guard limit == nil else { return false }
        if let answer = pattern.matches(text, budget: &budget) { return answer }
        return exceed("the check took more than \(stepsMax) steps, the last of them in a pattern")
    }

    private mutating func exceed(_ message: String) -> Bool {
        if limit == nil { limit = JSONSchemaViolation(path: pointer, keyword: "$limit", message: message) }
        return false
    }

    /// Records a violation of the current value; always false.
    mutating func fail(_ keyword: String, _ message: @autoclosure () -> String) -> Bool {
        if isCollecting && violations.count < JSONSchema.violationsCountMax && spend(Cost.message) {
            violations.append(JSONSchemaViolation(path: pointer, keyword: keyword, message: message()))
        }
        return false
    }

    /// Whether all parts hold: every one is asked when collecting, else up to the first that does not.
    mutating func all<Part>(_ parts: some Sequence<Part>, _ check: (inout Self, Part) -> Bool) -> Bool {
        var holds = true
        for part in parts where !check(&self, part) {
            holds = false
            if !isCollecting || limit != nil { return false }
        }
        return holds
    }

    /// Whether a value fits, without recording why not.
    mutating func holds(_ node: Int, _ value: JSONValue) -> Bool {
        let wasCollecting = isCollecting
        isCollecting = false
        defer { isCollecting = wasCollecting }
        return check(node, value, by: "")
    }

    mutating func check(_ node: Int, _ value: JSONValue, at name: String, by keyword: String) -> Bool {
        path.append(.name(name))
        defer { path.removeLast() }
        return check(node, value, by: keyword)
    }

    mutating func check(_ node: Int, _ value: JSONValue, at index: Int, by keyword: String) -> Bool {
        path.append(.index(index))
        defer { path.removeLast() }
        return check(node, value, by: keyword)
    }

    private var pointer: String {
        path.reduce("") { pointer, token in
            switch token {
            case .name(let name): JSONPointer.appending(name, to: pointer)
            case .index(let index): "\(pointer)/\(index)"
            }
        }
    }

    // MARK: Alternatives

    private mutating func checkAnyOf(_ nodes: [Int], _ value: JSONValue) -> Bool {
        var nearest: [JSONSchemaViolation]?
        for node in nodes {
            if attempt(node, value, nearest: &nearest) { return true }
        }
        return fail("anyOf", Self.noneFits(of: nodes.count, nearest))
    }

    private mutating func checkOneOf(_ nodes: [Int], _ value: JSONValue) -> Bool {
        var nearest: [JSONSchemaViolation]?
        var fitting: Int?
        for (position, node) in nodes.enumerated() {
            guard attempt(node, value, nearest: &nearest) else { continue }
            if let first = fitting {
                return fail("oneOf", "fits more than one alternative (\(first + 1) and \(position + 1))")
            }
            fitting = position
        }
        return fitting != nil || fail("oneOf", Self.noneFits(of: nodes.count, nearest))
    }

    /// Tries one alternative; what it violates is kept in `nearest` if that is less than others did.
    private mutating func attempt(_ node: Int, _ value: JSONValue, nearest: inout [JSONSchemaViolation]?) -> Bool {
        guard isCollecting else { return check(node, value, by: "") }
        let found = violations
        violations = []
        defer { violations = found }
        if check(node, value, by: "") { return true }
        if violations.count < nearest?.count ?? .max { nearest = violations }
        return false
    }

    private static func noneFits(of count: Int, _ nearest: [JSONSchemaViolation]?) -> String {
        let text = "fits none of the \(count) alternatives"
        guard let hint = nearest?.first else { return text }
        return "\(text); nearest: \(hint.path.isEmpty ? "" : "\(hint.path) ")\(hint.message)"
    }
}
