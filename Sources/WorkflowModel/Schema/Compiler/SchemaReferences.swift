/// What `$ref` can name: the document's resources (its root and every `$id`) and their anchors.
struct SchemaReferences {
    struct Failure: Error { var message: String }

    private var resources: [String: SchemaPlace] = [:]
    private var anchors: [String: SchemaPlace] = [:]

    /// Keywords whose value is a schema, an array or an object of schemas (JSON Schema core §10 and validation §8).
    static let schemaKeywords: Set = [
        "items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else",
    ]
    static let schemaArrayKeywords: Set = ["allOf", "anyOf", "oneOf", "prefixItems"]
    static let schemaMapKeywords: Set = ["properties", "patternProperties", "$defs", "dependentSchemas"]

    /// Bytes of the pointers to all schemas of a document. Each names its whole way, so that one long name above many
    /// schemas would make gigabytes of a small document.
    private static let pointerBytesMax = 16 << 20

    /// Finds every `$id` and `$anchor`.
    mutating func index(_ root: SchemaPlace, faults: inout [JSONSchemaViolation]) {
        resources[""] = root
        var pending = [root]
        var pointerBytes = 0
        while let place = pending.popLast() {
            guard case .object(let members) = place.value else { continue }
            let entered = place.entered()
            if members["$id"]?.stringValue != nil {
                add(entered, to: \.resources, as: entered.base.withoutFragment, keyword: "$id", faults: &faults)
            }
            for keyword in ["$anchor", "$dynamicAnchor"] {
                guard let name = members[keyword]?.stringValue else { continue }
                let key = "\(entered.base.withoutFragment)#\(name)"
                add(entered, to: \.anchors, as: key, keyword: keyword, faults: &faults)
            }
            for (keyword, value) in members {
                pointerBytes += Self.childCount(keyword, value) * place.pointer.utf8.count
                guard pointerBytes <= Self.pointerBytesMax else {
                    let message = "the pointers to the document's schemas have more than "
                        + "\(Self.pointerBytesMax) bytes; use shorter names"
                    return faults.append(JSONSchemaViolation(path: "", keyword: "$limit", message: message))
                }
                pending += Self.children(keyword, value, of: entered)
            }
        }
    }

    private mutating func add(
        _ place: SchemaPlace, to table: WritableKeyPath<Self, [String: SchemaPlace]>, as key: String, keyword: String,
        faults: inout [JSONSchemaViolation]
    ) {
        if let other = self[keyPath: table][key], other.pointer != place.pointer {
            let path = JSONPointer.appending(keyword, to: place.pointer)
            let message = "\"\(key)\" is also declared at \"\(other.pointer)\""
            if faults.count < SchemaCompiler.faultsCountMax {
                faults.append(JSONSchemaViolation(path: path, keyword: keyword, message: message))
            }
        } else {
            self[keyPath: table][key] = place
        }
    }

    private static func childCount(_ keyword: String, _ value: JSONValue) -> Int {
        switch value {
        case .object(let members): schemaMapKeywords.contains(keyword) ? members.count : 1
        case .array(let elements): elements.count
        default: 0
        }
    }

    private static func children(_ keyword: String, _ value: JSONValue, of place: SchemaPlace) -> [SchemaPlace] {
        switch value {
        case .object(let members):
            if schemaKeywords.contains(keyword) { return [place.child(keyword, value: value)] }
            guard schemaMapKeywords.contains(keyword) else { return [] }
            return members.map { place.child(keyword, $0.key, value: $0.value) }
        case .array(let elements):
            guard schemaArrayKeywords.contains(keyword) else { return [] }
            return elements.enumerated().map { place.child(keyword, String($0.offset), value: $0.element) }
        default: return []
        }
    }

    /// The schema a reference names.
    func resolve(_ reference: String, from place: SchemaPlace) -> Result<SchemaPlace, Failure> {
        let target = place.base.resolving(URIReference(reference))
        guard let resource = resources[target.withoutFragment] else {
            return .failure(Failure(message: "\"\(reference)\" is not within this document"))
        }
        guard let fragment = target.decodedFragment else {
            return .failure(Failure(message: "\"\(reference)\" is wrongly percent-encoded"))
        }
        if !fragment.isEmpty && fragment.utf8.first != UInt8(ascii: "/") {
            guard let anchor = anchors["\(target.withoutFragment)#\(fragment)"] else {
                return .failure(Failure(message: "\"\(reference)\" names an unknown anchor"))
            }
            return .success(anchor)
        }
        guard let tokens = JSONPointer.tokens(of: fragment) else {
            return .failure(Failure(message: "\"\(reference)\" is not a JSON Pointer"))
        }
        guard let found = Self.walk(tokens, from: resource) else {
            return .failure(Failure(message: "\"\(reference)\" names nothing"))
        }
        return .success(found)
    }

    private static func walk(_ tokens: [String], from resource: SchemaPlace) -> SchemaPlace? {
        var place = resource
        for token in tokens {
            place = place.entered()
            switch place.value {
            case .object(let members):
                guard let value = members[token] else { return nil }
                place = place.child(token, value: value)
            case .array(let elements):
                guard let index = Int(token), String(index) == token, elements.indices.contains(index) else {
                    return nil
                }
                place = place.child(token, value: elements[index])
            default: return nil
            }
        }
        return place
    }
}
