extension SchemaEvaluator {
    mutating func checkNumber(_ keyword: SchemaKeyword, _ value: JSONValue) -> Bool {
        switch keyword {
        case .bound(let bound, let limit):
            return JSONValue.numericOrder(value, limit).map(bound.accepts) ?? false
                || fail(bound.rawValue, "must be \(bound.text) \(limit.encodedText)")
        case .multipleOf(let divisor):
            return Decimal(value)?.isMultiple(of: divisor) ?? false
                || fail("multipleOf", "must be a multiple of \(divisor.text)")
        default: return true
        }
    }

    mutating func checkString(_ keyword: SchemaKeyword, _ text: String) -> Bool {
        switch keyword {
        case .minLength(let count):
            guard spend(onReading: text) else { return false }
            return text.unicodeScalars.count >= count
                || fail("minLength", "must have at least \(count) characters")
        case .maxLength(let count):
            guard spend(onReading: text) else { return false }
            // A text has at least as many bytes as characters.
            return text.utf8.count <= count || text.unicodeScalars.count <= count
                || fail("maxLength", "must have at most \(count) characters")
        case .pattern(let pattern):
            return matches(pattern, text) || fail("pattern", "must match \(pattern.source)")
        case .format(let format):
            guard spend(onReading: text) else { return false }
            return format.accepts(text) || fail("format", "must be a valid \(format.rawValue)")
        default: return true
        }
    }

    mutating func checkArray(_ keyword: SchemaKeyword, _ elements: [JSONValue]) -> Bool {
        switch keyword {
        case .minItems(let count):
            return elements.count >= count || fail("minItems", "must have at least \(count) elements")
        case .maxItems(let count):
            return elements.count <= count || fail("maxItems", "must have at most \(count) elements")
        case .uniqueItems: return checkUnique(elements)
        case .elements(let prefix, let rest):
            // Without `items`, the elements after the prefix are not looked at.
            return all(rest == nil ? elements.indices.prefix(prefix.count) : elements.indices) { evaluator, index in
                if index < prefix.count {
                    return evaluator.check(prefix[index], elements[index], at: index, by: "prefixItems")
                }
                guard let rest else { return true }
                return evaluator.check(rest, elements[index], at: index, by: "items")
            }
        case .contains(let node, let countMin, let countMax):
            var count = 0
            for element in elements where holds(node, element) { count += 1 }
            if count < countMin {
                return fail(countMin == 1 ? "contains" : "minContains", "must contain \(countMin) or more of a kind")
            }
            guard let countMax, count > countMax else { return true }
            return fail("maxContains", "must contain at most \(countMax) of a kind")
        default: return true
        }
    }

    private mutating func checkUnique(_ elements: [JSONValue]) -> Bool {
        guard elements.allSatisfy({ spend(onComparing: $0) }) else { return false }
        var first: [JSONValue: Int] = [:]
        for (index, element) in elements.enumerated() {
            if let other = first.updateValue(index, forKey: element) {
                return fail("uniqueItems", "elements \(other) and \(index) are equal")
            }
        }
        return true
    }

    mutating func checkObject(_ keyword: SchemaKeyword, _ members: JSONObject, _ value: JSONValue) -> Bool {
        switch keyword {
        case .minProperties(let count):
            return members.count >= count || fail("minProperties", "must have at least \(count) members")
        case .maxProperties(let count):
            return members.count <= count || fail("maxProperties", "must have at most \(count) members")
        case .required(let names):
            guard spend(names.count) else { return false }
            return all(names) { evaluator, name in
                members.contains(name) || evaluator.fail("required", "\(Self.quoted(name)) is required")
            }
        case .dependentRequired(let rules):
            guard spend(rules.count) else { return false }
            return all(rules) { evaluator, rule in
                guard members.contains(rule.name) else { return true }
                guard evaluator.spend(rule.required.count) else { return false }
                return evaluator.all(rule.required) { evaluator, name in
                    members.contains(name)
                        || evaluator.fail(
                            "dependentRequired",
                            "\(Self.quoted(name)) is required beside \(Self.quoted(rule.name))")
                }
            }
        case .dependentSchemas(let rules):
            guard spend(rules.count) else { return false }
            return all(rules) { evaluator, rule in
                !members.contains(rule.name) || evaluator.check(rule.schema, value, by: "dependentSchemas")
            }
        case .propertyNames(let node):
            return all(members) { evaluator, member in
                evaluator.check(node, .string(member.key), at: member.key, by: "propertyNames")
            }
        case .members(let named, let patterns, let additional):
            return all(members) { evaluator, member in
                evaluator.check(member, named, patterns, additional)
            }
        default: return true
        }
    }

    private mutating func check(
        _ member: JSONObject.Member, _ named: [ExactText: Int], _ patterns: [(pattern: Pattern, schema: Int)],
        _ additional: Int?
    ) -> Bool {
        guard spend(onReading: member.key) else { return false }
        var isKnown = false
        var holds = true
        if let node = named[ExactText(member.key)] {
            isKnown = true
            holds = check(node, member.value, at: member.key, by: "properties")
        }
        for (pattern, node) in patterns where matches(pattern, member.key) {
            isKnown = true
            if !check(node, member.value, at: member.key, by: "patternProperties") { holds = false }
        }
        if !isKnown, limit == nil, let additional {
            holds = check(additional, member.value, at: member.key, by: "additionalProperties")
        }
        return holds
    }

    private static func quoted(_ name: String) -> String { JSONValue.string(name).encodedText }
}

extension Decimal {
    var text: String { exponent == 0 ? "\(significand)" : "\(significand)e\(exponent)" }
}
