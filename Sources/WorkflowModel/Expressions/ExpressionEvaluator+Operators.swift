extension ExpressionEvaluator {
    mutating func binary(
        _ op: ExpressionOperator, _ leftNode: ExpressionNode, _ rightNode: ExpressionNode, _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        let left = try evaluate(leftNode)
        let right = try evaluate(rightNode)
        switch op {
        case .equal: return .json(.bool(try equal(left, right, offset)))
        case .notEqual: return .json(.bool(!(try equal(left, right, offset))))
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            return .json(.bool(try ordered(op, left, right, offset)))
        case .in: return .json(.bool(try contains(left, in: right, offset)))
        case .add, .subtract, .multiply, .divide, .remainder: return try arithmetic(op, left, right, offset)
        }
    }

    mutating func negate(_ node: ExpressionNode, _ offset: Int) throws(ExpressionError) -> ExpressionValue {
        let value = try evaluate(node)
        switch value {
        case .json(.int(let number)):
            guard number != .min else { throw ExpressionError(message: "integer overflow", offset: offset) }
            return .json(.int(-number))
        case .json(.double(let number)): return .json(.double(-number))
        default: throw ExpressionError(message: "a \(value.typeName) cannot be negated", offset: offset)
        }
    }

    /// Arithmetic between equal types only, as CEL has it: `1 + 1.5` is an error, `double(1) + 1.5` is not.
    private mutating func arithmetic(
        _ op: ExpressionOperator, _ left: ExpressionValue, _ right: ExpressionValue, _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        switch (left, right) {
        case (.json(.int(let a)), .json(.int(let b))): return .json(.int(try integer(op, a, b, offset)))
        case (.json(.double(let a)), .json(.double(let b))):
            switch op {
            case .add: return .json(.double(a + b))
            case .subtract: return .json(.double(a - b))
            case .multiply: return .json(.double(a * b))
            case .divide: return .json(.double(a / b))
            default: break
            }
        case (.json(.string(let a)), .json(.string(let b))) where op == .add:
            try charge((a.utf8.count + b.utf8.count) / 1024, offset)
            return .json(.string(a + b))
        case (.json(.array(let a)), .json(.array(let b))) where op == .add:
            try charge((a.count + b.count) / 100, offset)
            return .json(.array(a + b))
        case _ where op == .add && left.isList && right.isList:
            let counts = (left.count ?? 0, right.count ?? 0)
            try charge((counts.0 + counts.1) / 100, offset)
            var builder = ExpressionListBuilder()
            for place in 0..<counts.0 { builder.append(left.element(at: place)) }
            for place in 0..<counts.1 { builder.append(right.element(at: place)) }
            return builder.value
        default: break
        }
        let isMixed = Set([left.typeName, right.typeName]) == ["int", "double"]
        let hint = isMixed ? "; convert one side with double() or int()" : ""
        throw ExpressionError(
            message: "'\(op.rawValue)' does not take \(left.typeName) and \(right.typeName)\(hint)", offset: offset)
    }

    private func integer(
        _ op: ExpressionOperator, _ left: Int64, _ right: Int64, _ offset: Int
    ) throws(ExpressionError) -> Int64 {
        if op == .divide || op == .remainder, right == 0 {
            throw ExpressionError(message: "division by zero", offset: offset)
        }
        let (result, overflow) =
            switch op {
            case .add: left.addingReportingOverflow(right)
            case .subtract: left.subtractingReportingOverflow(right)
            case .multiply: left.multipliedReportingOverflow(by: right)
            case .divide: left.dividedReportingOverflow(by: right)
            default: left.remainderReportingOverflow(dividingBy: right)
            }
        guard !overflow else { throw ExpressionError(message: "integer overflow", offset: offset) }
        return result
    }

    // MARK: equality and order

    /// Equality across types is false, not an error; numbers compare by value, texts by code points.
    mutating func equal(
        _ left: ExpressionValue, _ right: ExpressionValue, _ offset: Int
    ) throws(ExpressionError) -> Bool {
        if case .json(let a) = left, case .json(let b) = right { return try equal(a, b, offset) }
        guard left.typeName == right.typeName, let count = left.count, count == right.count else { return false }
        try charge(1 + count / 100, offset)
        for place in 0..<count {
            let element = left.element(at: place)
            if left.isList {
                guard try equal(element, right.element(at: place), offset) else { return false }
            } else {
                guard case .json(let key) = element, let a = left.value(forKey: key),
                    let b = right.value(forKey: key), try equal(a, b, offset)
                else { return false }
            }
        }
        return true
    }

    private mutating func equal(
        _ left: JSONValue, _ right: JSONValue, _ offset: Int
    ) throws(ExpressionError) -> Bool {
        switch (left, right) {
        case (.array(let a), .array(let b)):
            guard a.count == b.count else { return false }
            try charge(a.count / 16, offset)
            for place in a.indices { guard try equal(a[place], b[place], offset) else { return false } }
            return true
        case (.object(let a), .object(let b)):
            guard a.count == b.count else { return false }
            try charge(1 + a.count / 16, offset)
            for (key, value) in a {
                guard let other = b[key], try equal(value, other, offset) else { return false }
            }
            return true
        case (.string(let a), .string(let b)):
            guard a.utf8.count == b.utf8.count else { return false }
            try charge(a.utf8.count / 1024, offset)
            return left == right
        default: return left == right
        }
    }

    private mutating func contains(
        _ element: ExpressionValue, in range: ExpressionValue, _ offset: Int
    ) throws(ExpressionError) -> Bool {
        guard let count = range.count else {
            throw ExpressionError(message: "'in' needs a list or a map, found \(range.typeName)", offset: offset)
        }
        if !range.isList {
            guard case .json(let key) = element else { return false }
            return range.value(forKey: key) != nil
        }
        try charge(count / 100, offset)
        for place in 0..<count {
            guard !(try equal(element, range.element(at: place), offset)) else { return true }
        }
        return false
    }

    private mutating func ordered(
        _ op: ExpressionOperator, _ left: ExpressionValue, _ right: ExpressionValue, _ offset: Int
    ) throws(ExpressionError) -> Bool {
        let order: Int?
        switch (left, right) {
        case (.json(.int(let a)), .json(.int(let b))): order = a < b ? -1 : a > b ? 1 : 0
        case (.json(.double(let a)), .json(.double(let b))): order = a < b ? -1 : a > b ? 1 : a == b ? 0 : nil
        case (.json(.int(let a)), .json(.double(let b))): order = Self.compare(a, b)
        case (.json(.double(let a)), .json(.int(let b))): order = Self.compare(b, a).map { -$0 }
        case (.json(.bool(let a)), .json(.bool(let b))): order = a == b ? 0 : b ? -1 : 1
        case (.json(.string(let a)), .json(.string(let b))):
            try charge(min(a.utf8.count, b.utf8.count) / 1024, offset)
            // UTF-8 sorts as the code points do.
            order = a.utf8.elementsEqual(b.utf8) ? 0 : a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
        default:
            throw ExpressionError(
                message: "'\(op.rawValue)' does not take \(left.typeName) and \(right.typeName)", offset: offset)
        }
        guard let order else { return false }
        return switch op {
        case .less: order < 0
        case .lessOrEqual: order <= 0
        case .greater: order > 0
        default: order >= 0
        }
    }

    /// Compares without rounding the integer; nil for not-a-number.
    private static func compare(_ integer: Int64, _ number: Double) -> Int? {
        guard !number.isNaN else { return nil }
        guard number < 0x1p63 else { return -1 }
        guard number >= -0x1p63 else { return 1 }
        let whole = Int64(number.rounded(.towardZero))
        if integer != whole { return integer < whole ? -1 : 1 }
        let rest = number - Double(whole)
        return rest > 0 ? -1 : rest < 0 ? 1 : 0
    }
}
