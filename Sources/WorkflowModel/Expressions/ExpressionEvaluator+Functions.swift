extension ExpressionEvaluator {
    mutating func call(
        _ function: ExpressionFunction, _ nodes: [ExpressionNode], _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        let first = try evaluate(nodes[0])
        switch function {
        case .dyn: return first
        case .size: return .json(.int(Int64(try size(first, offset))))
        case .int: return .json(.int(try int(first, offset)))
        case .double: return .json(.double(try double(first, offset)))
        case .string: return .json(.string(try string(first, offset)))
        case .bool: return .json(.bool(try bool(first, offset)))
        case .startsWith, .endsWith, .contains, .matches:
            let second = try evaluate(nodes[1])
            guard case .json(.string(let text)) = first, case .json(.string(let part)) = second else {
                throw ExpressionError(
                    message: "\(function.rawValue)() does not take \(first.typeName) and \(second.typeName)",
                    offset: offset)
            }
            try charge(text.utf8.count / 1024, offset)
            return .json(.bool(function == .matches ? try matches(text, part, offset) : compare(function, text, part)))
        }
    }

    private func compare(_ function: ExpressionFunction, _ text: String, _ part: String) -> Bool {
        switch function {
        case .startsWith: return text.utf8.starts(with: part.utf8)
        case .endsWith: return text.utf8.suffix(part.utf8.count).elementsEqual(part.utf8)
        default: return contains(Array(text.utf8), Array(part.utf8))
        }
    }

    /// Whether a regular expression matches anywhere in a text, in time linear in both.
    private mutating func matches(_ text: String, _ source: String, _ offset: Int) throws(ExpressionError) -> Bool {
        let pattern: Pattern
        do throws(PatternError) {
            pattern = try Pattern(source)
        } catch {
            throw ExpressionError(
                message: "matches(): \(error.message) at character \(error.column) of the pattern", offset: offset)
        }
        // 64 steps of the automaton cost about what one node does.
        let allowance = stepsLeft * 64
        var budget = WorkBudget(stepsMax: allowance)
        let isMatch = pattern.matches(text, budget: &budget)
        try charge((allowance - budget.stepsLeft) / 64, offset)
        guard let isMatch else {
            throw ExpressionError(.limit, message: "matches() takes too many steps", offset: offset)
        }
        return isMatch
    }

    /// Substring search (Knuth–Morris–Pratt): linear, so that no repeated text makes it quadratic.
    private func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        guard !part.isEmpty else { return true }
        guard part.count <= text.count else { return false }
        var table = [Int](repeating: 0, count: part.count)
        var matched = 0
        for place in part.indices.dropFirst() {
            while matched > 0, part[place] != part[matched] { matched = table[matched - 1] }
            if part[place] == part[matched] { matched += 1 }
            table[place] = matched
        }
        matched = 0
        for byte in text {
            while matched > 0, byte != part[matched] { matched = table[matched - 1] }
            if byte == part[matched] { matched += 1 }
            if matched == part.count { return true }
        }
        return false
    }

    private mutating func size(_ value: ExpressionValue, _ offset: Int) throws(ExpressionError) -> Int {
        if case .json(.string(let text)) = value {
            try charge(text.utf8.count / 1024, offset)
            return text.unicodeScalars.count
        }
        guard let count = value.count else {
            throw ExpressionError(message: "size() does not take \(value.typeName)", offset: offset)
        }
        return count
    }

    // MARK: conversions

    private func int(_ value: ExpressionValue, _ offset: Int) throws(ExpressionError) -> Int64 {
        switch value {
        case .json(.int(let number)): return number
        case .json(.double(let number)):
            guard number > -0x1p63, number < 0x1p63 else {
                throw ExpressionError(message: "int() of a number out of range", offset: offset)
            }
            return Int64(number)
        case .json(.string(let text)):
            guard let number = Int64(text), !text.hasPrefix("+") else {
                throw ExpressionError(message: "int() of a text that is no integer", offset: offset)
            }
            return number
        default: throw ExpressionError(message: "int() does not take \(value.typeName)", offset: offset)
        }
    }

    private func double(_ value: ExpressionValue, _ offset: Int) throws(ExpressionError) -> Double {
        switch value {
        case .json(.int(let number)): return Double(number)
        case .json(.double(let number)): return number
        case .json(.string(let text)):
            guard let number = Double(text) else {
                throw ExpressionError(message: "double() of a text that is no number", offset: offset)
            }
            return number
        default: throw ExpressionError(message: "double() does not take \(value.typeName)", offset: offset)
        }
    }

    private func string(_ value: ExpressionValue, _ offset: Int) throws(ExpressionError) -> String {
        switch value {
        case .json(.string(let text)): return text
        case .json(.bool(let flag)): return flag ? "true" : "false"
        case .json(.int(let number)): return String(number)
        case .json(.double(let number)):
            return number.isFinite ? JSONValue.double(number).encodedText : number.description
        default: throw ExpressionError(message: "string() does not take \(value.typeName)", offset: offset)
        }
    }

    private func bool(_ value: ExpressionValue, _ offset: Int) throws(ExpressionError) -> Bool {
        switch value {
        case .json(.bool(let flag)): return flag
        case .json(.string(let text)):
            switch text {
            case "1", "t", "true", "TRUE", "True": return true
            case "0", "f", "false", "FALSE", "False": return false
            default: throw ExpressionError(message: "bool() of a text that is no boolean", offset: offset)
            }
        default: throw ExpressionError(message: "bool() does not take \(value.typeName)", offset: offset)
        }
    }
}
