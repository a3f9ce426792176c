/// A value during evaluation: JSON, or what CEL has beside it (maps with other keys than strings).
///
/// Anything that JSON can hold is `.json`, so values of the scope are passed on by reference and never rebuilt.
enum ExpressionValue: Sendable {
    case json(JSONValue)
    /// A list of which at least one element is not JSON.
    case list([ExpressionValue])
    /// A map with a key that is not a string, or a value that is not JSON.
    case map(ExpressionMap)

    /// The value as JSON.
    /// - Throws: `ExpressionError` when a map in it has keys other than strings.
    func json(at offset: Int) throws(ExpressionError) -> JSONValue {
        switch self {
        case .json(let value): return value
        case .list(let elements):
            var values: [JSONValue] = []
            for element in elements { values.append(try element.json(at: offset)) }
            return .array(values)
        case .map(let map):
            var members = JSONObject()
            for (key, value) in zip(map.keys, map.values) {
                guard case .string(let name) = key else {
                    throw ExpressionError(
                        message: "a map with keys other than strings has no JSON form", offset: offset)
                }
                members[name] = try value.json(at: offset)
            }
            return .object(members)
        }
    }

    /// The type's name as CEL writes it.
    var typeName: String {
        switch self {
        case .list, .json(.array): "list"
        case .map, .json(.object): "map"
        case .json(.null): "null"
        case .json(.bool): "bool"
        case .json(.int): "int"
        case .json(.double): "double"
        case .json(.string): "string"
        }
    }

    /// How many elements or entries a list or map has; nil for other types.
    var count: Int? {
        switch self {
        case .json(.array(let elements)): elements.count
        case .json(.object(let members)): members.count
        case .list(let elements): elements.count
        case .map(let map): map.keys.count
        default: nil
        }
    }

    var isList: Bool {
        switch self {
        case .list, .json(.array): true
        default: false
        }
    }

    /// The element of a list or the key of a map at a place below `count`: what a macro walks.
    func element(at place: Int) -> ExpressionValue {
        switch self {
        case .json(.array(let elements)): .json(elements[place])
        case .json(.object(let members)): .json(.string(members.keys[place]))
        case .list(let elements): elements[place]
        case .map(let map): .json(map.keys[place])
        default: .json(.null)
        }
    }

    /// The value of a map under a key, nil when it has none or is no map.
    func value(forKey key: JSONValue) -> ExpressionValue? {
        switch self {
        case .json(.object(let members)):
            guard case .string(let name) = key else { return nil }
            return members[name].map(ExpressionValue.json)
        case .map(let map): return map.value(forKey: key)
        default: return nil
        }
    }
}

/// The entries of a map literal whose keys or values go beyond JSON; short, since a literal wrote them.
struct ExpressionMap: Sendable {
    private(set) var keys: [JSONValue] = []
    private(set) var values: [ExpressionValue] = []

    func value(forKey key: JSONValue) -> ExpressionValue? {
        keys.firstIndex(of: key).map { values[$0] }
    }

    mutating func append(_ key: JSONValue, _ value: ExpressionValue) {
        keys.append(key)
        values.append(value)
    }
}

/// Gathers a list and keeps it JSON as long as every element is.
struct ExpressionListBuilder {
    private var json: [JSONValue] = []
    private var mixed: [ExpressionValue]?

    mutating func append(_ value: ExpressionValue) {
        if mixed == nil {
            if case .json(let element) = value { return json.append(element) }
            mixed = json.map(ExpressionValue.json)
            json = []
        }
        mixed?.append(value)
    }

    var value: ExpressionValue {
        if let mixed { .list(mixed) } else { .json(.array(json)) }
    }
}
