extension SchemaCompiler {
    /// Assertions of 2020-12 outside our subset: refused, since to ignore them would let wrong values through.
    private static let refused: Set = ["unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$vocabulary"]

    /// Reads the members of one schema; unknown keywords are annotations.
    mutating func keywords(of members: JSONObject, at place: SchemaPlace) -> [SchemaKeyword] {
        var keywords: [SchemaKeyword] = []
        for (name, value) in members {
            let path = JSONPointer.appending(name, to: place.pointer)
            if let keyword = simple(name, value, path) ?? applicator(name, value, path, place) {
                keywords.append(keyword)
            } else if Self.refused.contains(name) {
                fault(path, name, "is not supported")
            }
        }
        keywords += elements(of: members, at: place)
        keywords += memberRules(of: members, at: place)
        if let condition = members["if"] {
            keywords.append(
                .conditional(
                    if: schema("if", condition, place), then: members["then"].map { schema("then", $0, place) },
                    else: members["else"].map { schema("else", $0, place) }))
        } else {
            // Without `if` they mean nothing, but must be schemas all the same.
            for name in ["then", "else"] { if let value = members[name] { _ = schema(name, value, place) } }
        }
        return keywords
    }


    private mutating func schema(_ name: String, _ value: JSONValue, _ place: SchemaPlace) -> Int {
        index(of: place.child(name, value: value))
    }

    // MARK: Keywords without subschemas

    private mutating func simple(_ name: String, _ value: JSONValue, _ path: String) -> SchemaKeyword? {
        switch name {
        case "type": types(value, path).map(SchemaKeyword.type)
        case "const": .constant(value)
        case "enum": array(value, path, name).map { .enumeration(Set($0), text: Self.text(of: $0)) }
        case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum": bound(name, value, path)
        case "multipleOf": divisor(value, path)
        case "minLength": count(value, path, name).map(SchemaKeyword.minLength)
        case "maxLength": count(value, path, name).map(SchemaKeyword.maxLength)
        case "minItems": count(value, path, name).map(SchemaKeyword.minItems)
        case "maxItems": count(value, path, name).map(SchemaKeyword.maxItems)
        case "minProperties": count(value, path, name).map(SchemaKeyword.minProperties)
        case "maxProperties": count(value, path, name).map(SchemaKeyword.maxProperties)
        case "uniqueItems": boolean(value, path, name) == true ? .uniqueItems : nil
        case "pattern": string(value, path, name).flatMap { pattern($0, path, name) }.map(SchemaKeyword.pattern)
        case "format": string(value, path, name).flatMap(SchemaFormat.init).map(SchemaKeyword.format)
        case "required": names(value, path, name).map(SchemaKeyword.required)
        case "dependentRequired": dependentRequired(value, path)
        case "$schema": dialect(value, path)
        case "$anchor", "$dynamicAnchor", "$comment": annotation(value, path, name)
        case "$id": identifier(value, path)
        default: nil
        }
    }

    /// Another draft's keywords would be ignored, or mean something else.
    private mutating func dialect(_ value: JSONValue, _ path: String) -> SchemaKeyword? {
        guard let text = string(value, path, "$schema") else { return nil }
        if !JSONSchema.dialects.contains(text) {
            fault(
                path, "$schema",
                "schemas are of draft 2020-12, \(JSONSchema.dialects[0]), or do not say; not of \(text)")
        }
        return nil
    }

    private mutating func types(_ value: JSONValue, _ path: String) -> SchemaTypes? {
        let names: [JSONValue]
        switch value {
        case .string: names = [value]
        case .array(let elements) where !elements.isEmpty: names = elements
        default:
            fault(path, "type", "must be a type's name or an array of such names")
            return nil
        }
        var types: SchemaTypes = []
        for name in names {
            if let type = name.stringValue.flatMap(SchemaTypes.init(name:)) {
                types.formUnion(type)
            } else {
                fault(path, "type", "unknown type \(Self.text(of: name))")
            }
        }
        return types
    }

    private mutating func bound(_ name: String, _ value: JSONValue, _ path: String) -> SchemaKeyword? {
        guard value.doubleValue != nil, let bound = SchemaBound(rawValue: name) else {
            fault(path, name, "must be a number")
            return nil
        }
        return .bound(bound, value)
    }

    private mutating func divisor(_ value: JSONValue, _ path: String) -> SchemaKeyword? {
        guard let number = value.doubleValue, number > 0, let divisor = Decimal(value) else {
            fault(path, "multipleOf", "must be a number above 0")
            return nil
        }
        return .multipleOf(divisor)
    }

    private mutating func dependentRequired(_ value: JSONValue, _ path: String) -> SchemaKeyword? {
        guard let members = object(value, path, "dependentRequired") else { return nil }
        var rules: [(name: String, required: [String])] = []
        for (name, value) in members {
            let required = names(value, JSONPointer.appending(name, to: path), "dependentRequired")
            if let required { rules.append((name, required)) }
        }
        return .dependentRequired(rules)
    }

    private mutating func annotation(_ value: JSONValue, _ path: String, _ name: String) -> SchemaKeyword? {
        _ = string(value, path, name)
        return nil
    }

    private mutating func identifier(_ value: JSONValue, _ path: String) -> SchemaKeyword? {
        if let text = string(value, path, "$id"), URIReference(text).fragment?.isEmpty == false {
            fault(path, "$id", "may not have a fragment")
        }
        return nil
    }

    mutating func pattern(_ source: String, _ path: String, _ keyword: String) -> Pattern? {
        do throws(PatternError) {
            return try Pattern(source)
        } catch {
            fault(path, keyword, "\(error.message) at character \(error.column) of the pattern")
            return nil
        }
    }

    // MARK: Keywords with subschemas

    private mutating func applicator(
        _ name: String, _ value: JSONValue, _ path: String, _ place: SchemaPlace
    ) -> SchemaKeyword? {
        switch name {
        case "$ref":
            guard let reference = string(value, path, name) else { return nil }
            return target(of: reference, at: place).map(SchemaKeyword.reference)
        case "allOf": return schemas(name, value, path, place).map(SchemaKeyword.allOf)
        case "anyOf": return schemas(name, value, path, place).map(SchemaKeyword.anyOf)
        case "oneOf": return schemas(name, value, path, place).map(SchemaKeyword.oneOf)
        case "not": return .not(schema(name, value, place))
        case "propertyNames": return .propertyNames(schema(name, value, place))
        case "dependentSchemas":
            guard let members = object(value, path, name) else { return nil }
            var rules: [(name: String, schema: Int)] = []
            for (key, value) in members { rules.append((key, index(of: place.child(name, key, value: value)))) }
            return .dependentSchemas(rules)
        case "$defs":
            // Read even where nothing refers to them, so that their faults are found too.
            guard let members = object(value, path, name) else { return nil }
            for (key, value) in members { _ = index(of: place.child(name, key, value: value)) }
            return nil
        default: return nil
        }
    }

    private mutating func schemas(
        _ name: String, _ value: JSONValue, _ path: String, _ place: SchemaPlace
    ) -> [Int]? {
        guard let elements = array(value, path, name) else { return nil }
        if elements.isEmpty { fault(path, name, "must not be empty") }
        var nodes: [Int] = []
        for (position, element) in elements.enumerated() {
            nodes.append(index(of: place.child(name, String(position), value: element)))
        }
        return nodes
    }

    private mutating func elements(of members: JSONObject, at place: SchemaPlace) -> [SchemaKeyword] {
        var keywords: [SchemaKeyword] = []
        let prefixPath = JSONPointer.appending("prefixItems", to: place.pointer)
        let prefix = members["prefixItems"].flatMap { schemas("prefixItems", $0, prefixPath, place) }
        let rest = members["items"].map { schema("items", $0, place) }
        if prefix != nil || rest != nil { keywords.append(.elements(prefix: prefix ?? [], rest: rest)) }
        var counts: [String: Int] = [:]
        for name in ["minContains", "maxContains"] {
            guard let value = members[name] else { continue }
            counts[name] = count(value, JSONPointer.appending(name, to: place.pointer), name)
        }
        if let contains = members["contains"] {
            let node = schema("contains", contains, place)
            keywords.append(.contains(node, countMin: counts["minContains"] ?? 1, countMax: counts["maxContains"]))
        }
        return keywords
    }

    private mutating func memberRules(of members: JSONObject, at place: SchemaPlace) -> [SchemaKeyword] {
        var named: [ExactText: Int] = [:]
        var patterns: [(pattern: Pattern, schema: Int)] = []
        if let value = members["properties"] {
            let path = JSONPointer.appending("properties", to: place.pointer)
            for (name, value) in object(value, path, "properties") ?? JSONObject() {
                named[ExactText(name)] = index(of: place.child("properties", name, value: value))
            }
        }
        if let value = members["patternProperties"] {
            let path = JSONPointer.appending("patternProperties", to: place.pointer)
            for (source, value) in object(value, path, "patternProperties") ?? JSONObject() {
                let child = place.child("patternProperties", source, value: value)
                let node = index(of: child)
                if let pattern = pattern(source, child.pointer, "patternProperties") {
                    patterns.append((pattern, node))
                }
            }
        }
        let additional = members["additionalProperties"].map { schema("additionalProperties", $0, place) }
        if named.isEmpty && patterns.isEmpty && additional == nil { return [] }
        return [.members(named, patterns: patterns, additional: additional)]
    }
}
