/// Evaluates a parsed expression against its variables, counting what it spends.
struct ExpressionEvaluator {
    let variables: JSONObject
    /// The elements that the macros around the present node are at, the innermost last.
    var slots: [ExpressionValue] = []
    private var steps = 0

    var stepsLeft: Int { Expression.evaluationStepsMax - steps }

    init(variables: JSONObject) { self.variables = variables }

    /// Takes steps from the allowance.
    mutating func charge(_ count: Int, _ offset: Int) throws(ExpressionError) {
        steps += count
        guard steps <= Expression.evaluationStepsMax else {
            throw ExpressionError(
                .limit, message: "expression takes more than \(Expression.evaluationStepsMax) evaluation steps",
                offset: offset)
        }
    }

    mutating func evaluate(_ node: ExpressionNode) throws(ExpressionError) -> ExpressionValue {
        try charge(1, node.offset)
        switch node.kind {
        case .literal(let value): return .json(value)
        case .path(let root, let fields): return .json(try path(root, fields, node.offset))
        case .bound(let slot): return slots[slot]
        case .select(let base, let field): return try select(base, field, node.offset)
        case .has(let base, let field): return .json(.bool(try has(base, field, node.offset)))
        case .index(let base, let index): return try self.index(base, index, node.offset)
        case .list(let elements): return try list(elements)
        case .map(let entries): return try map(entries)
        case .not(let operand): return .json(.bool(!(try bool(operand, "!"))))
        case .negate(let operand): return try negate(operand, node.offset)
        case .logic(let isAnd, let operands): return .json(.bool(try logic(isAnd, operands)))
        case .conditional(let condition, let then, let otherwise):
            return try evaluate(try bool(condition, "? :") ? then : otherwise)
        case .binary(let op, let left, let right): return try binary(op, left, right, node.offset)
        case .macro(let macro, let range, _, let body): return try self.macro(macro, range, body, node.offset)
        case .call(let function, let operands): return try call(function, operands, node.offset)
        case .unknownCall(let name, _):
            throw ExpressionError(message: "unknown function '\(name)'", offset: node.offset)
        }
    }

    /// Evaluates a node that has to be a boolean.
    mutating func bool(_ node: ExpressionNode, _ place: String) throws(ExpressionError) -> Bool {
        let value = try evaluate(node)
        guard case .json(.bool(let result)) = value else {
            throw ExpressionError(message: "'\(place)' needs a bool, found \(value.typeName)", offset: node.offset)
        }
        return result
    }

    // MARK: access

    private func path(_ root: String, _ fields: [String], _ offset: Int) throws(ExpressionError) -> JSONValue {
        guard var value = variables[root] else {
            throw ExpressionError(message: "unknown variable '\(root)'", offset: offset)
        }
        for (place, field) in fields.enumerated() {
            guard case .object(let members) = value else {
                throw Self.notAMap(ExpressionValue.json(value).typeName, field, offset)
            }
            guard let member = members[field] else {
                let prefix = ([root] + fields.prefix(place)).joined(separator: ".")
                throw ExpressionError(message: "\(prefix) has no '\(field)'", offset: offset)
            }
            value = member
        }
        return value
    }

    private mutating func select(
        _ base: ExpressionNode, _ field: String, _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        let value = try evaluate(base)
        if let member = value.value(forKey: .string(field)) { return member }
        guard value.count != nil, !value.isList else { throw Self.notAMap(value.typeName, field, offset) }
        throw ExpressionError(message: "the map has no '\(field)'", offset: offset)
    }

    private mutating func has(
        _ base: ExpressionNode, _ field: String, _ offset: Int
    ) throws(ExpressionError) -> Bool {
        let value = try evaluate(base)
        guard value.count != nil, !value.isList else { throw Self.notAMap(value.typeName, field, offset) }
        return value.value(forKey: .string(field)) != nil
    }

    private mutating func index(
        _ base: ExpressionNode, _ index: ExpressionNode, _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        let value = try evaluate(base)
        let place = try evaluate(index)
        guard let count = value.count else {
            throw ExpressionError(message: "a \(value.typeName) cannot be indexed", offset: offset)
        }
        if value.isList {
            guard case .json(let json) = place, let exact = json.intValue else {
                throw ExpressionError(
                    message: "a list is indexed by int, not by \(place.typeName)", offset: index.offset)
            }
            guard exact >= 0, exact < count else {
                throw ExpressionError(message: "index \(exact) is outside a list of \(count)", offset: index.offset)
            }
            return value.element(at: Int(exact))
        }
        guard case .json(let key) = place, let member = value.value(forKey: key) else {
            let name = if case .json(let key) = place { key.encodedText } else { place.typeName }
            throw ExpressionError(message: "the map has no key \(name)", offset: index.offset)
        }
        return member
    }

    private static func notAMap(_ type: String, _ field: String, _ offset: Int) -> ExpressionError {
        ExpressionError(message: "a \(type) has no field '\(field)'", offset: offset)
    }

    // MARK: literals

    private mutating func list(_ nodes: [ExpressionNode]) throws(ExpressionError) -> ExpressionValue {
        var builder = ExpressionListBuilder()
        for node in nodes { builder.append(try evaluate(node)) }
        return builder.value
    }

    private mutating func map(
        _ entries: [(key: ExpressionNode, value: ExpressionNode)]
    ) throws(ExpressionError) -> ExpressionValue {
        var members = JSONObject()
        var map = ExpressionMap()
        var isJSON = true
        for entry in entries {
            let keyValue = try evaluate(entry.key)
            guard case .json(let key) = keyValue, ["string", "int", "bool"].contains(keyValue.typeName) else {
                throw ExpressionError(
                    message: "a map's key is a string, int or bool, not \(keyValue.typeName)", offset: entry.key.offset)
            }
            guard map.value(forKey: key) == nil else {
                throw ExpressionError(message: "repeated key \(key.encodedText) in a map", offset: entry.key.offset)
            }
            let value = try evaluate(entry.value)
            map.append(key, value)
            if case .string(let name) = key, case .json(let json) = value {
                members[name] = json
            } else {
                isJSON = false
            }
        }
        return isJSON ? .json(.object(members)) : .map(map)
    }

    // MARK: logic

    /// `&&` and `||` as CEL has them: the deciding value on either side wins over an error on the other.
    private mutating func logic(_ isAnd: Bool, _ operands: [ExpressionNode]) throws(ExpressionError) -> Bool {
        var failure: ExpressionError?
        for operand in operands {
            do throws(ExpressionError) {
                if try bool(operand, isAnd ? "&&" : "||") != isAnd { return !isAnd }
            } catch {
                if error.code == .limit { throw error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return isAnd
    }

    // MARK: macros

    private mutating func macro(
        _ macro: ExpressionMacro, _ rangeNode: ExpressionNode, _ body: [ExpressionNode], _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        let range = try evaluate(rangeNode)
        guard let count = range.count else {
            throw ExpressionError(
                message: "\(macro.rawValue)() needs a list or a map, found \(range.typeName)", offset: offset)
        }
        slots.append(.json(.null))
        let slot = slots.count - 1
        defer { slots.removeSubrange(slot...) }
        var builder = ExpressionListBuilder()
        var matches = 0
        var failure: ExpressionError?
        for place in 0..<count {
            try charge(1, offset)
            slots[slot] = range.element(at: place)
            switch macro {
            case .all, .exists:
                do throws(ExpressionError) {
                    let result = try bool(body[0], macro.rawValue)
                    if result == (macro == .exists) { return .json(.bool(result)) }
                } catch {
                    if error.code == .limit { throw error }
                    failure = failure ?? error
                    slots.removeSubrange((slot + 1)...)
                }
            case .existsOne: if try bool(body[0], macro.rawValue) { matches += 1 }
            case .filter: if try bool(body[0], macro.rawValue) { builder.append(slots[slot]) }
            case .map where body.count == 2:
                if try bool(body[0], macro.rawValue) { builder.append(try evaluate(body[1])) }
            case .map: builder.append(try evaluate(body[0]))
            }
        }
        if let failure { throw failure }
        switch macro {
        case .all: return .json(true)
        case .exists: return .json(false)
        case .existsOne: return .json(.bool(matches == 1))
        case .filter, .map: return builder.value
        }
    }
}
