/// One schema of a compiled document; nodes name each other by their index.
enum SchemaNode: Sendable {
    /// `true` and `{}`.
    case always
    /// `false`.
    case never
    case keywords([SchemaKeyword])
}

/// One keyword, or a few that only make sense together, read and checked.
enum SchemaKeyword: Sendable {
    case type(SchemaTypes)
    case constant(JSONValue)
    case enumeration(Set<JSONValue>, text: String)
    case bound(SchemaBound, JSONValue)
    case multipleOf(Decimal)
    case minLength(Int), maxLength(Int)
    case pattern(Pattern)
    case format(SchemaFormat)
    case minItems(Int), maxItems(Int)
    case uniqueItems
    /// `prefixItems` and `items`.
    case elements(prefix: [Int], rest: Int?)
    case contains(Int, countMin: Int, countMax: Int?)
    case minProperties(Int), maxProperties(Int)
    case required([String])
    case dependentRequired([(name: String, required: [String])])
    case dependentSchemas([(name: String, schema: Int)])
    /// `properties`, `patternProperties` and `additionalProperties`.
    case members([ExactText: Int], patterns: [(pattern: Pattern, schema: Int)], additional: Int?)
    case propertyNames(Int)
    case allOf([Int]), anyOf([Int]), oneOf([Int])
    case not(Int)
    case conditional(if: Int, then: Int?, else: Int?)
    case reference(Int)
}

/// The keywords that compare a number.
enum SchemaBound: String, Sendable {
    case minimum, maximum, exclusiveMinimum, exclusiveMaximum

    /// Whether a value fits that stands to the bound as `order` says (−1 below, 0 equal, 1 above).
    func accepts(_ order: Int) -> Bool {
        switch self {
        case .minimum: order >= 0
        case .maximum: order <= 0
        case .exclusiveMinimum: order > 0
        case .exclusiveMaximum: order < 0
        }
    }

    var text: String {
        switch self {
        case .minimum: "at least"
        case .maximum: "at most"
        case .exclusiveMinimum: "greater than"
        case .exclusiveMaximum: "less than"
        }
    }
}

/// The types `type` may name.
struct SchemaTypes: OptionSet, Sendable {
    let rawValue: Int

    static let null = SchemaTypes(rawValue: 1)
    static let boolean = SchemaTypes(rawValue: 2)
    static let integer = SchemaTypes(rawValue: 4)
    /// Includes the integers.
    static let number = SchemaTypes(rawValue: 12)
    static let string = SchemaTypes(rawValue: 16)
    static let array = SchemaTypes(rawValue: 32)
    static let object = SchemaTypes(rawValue: 64)

    private static let names: [(String, SchemaTypes)] = [
        ("null", .null), ("boolean", .boolean), ("number", .number), ("integer", .integer), ("string", .string),
        ("array", .array), ("object", .object),
    ]

    init(rawValue: Int) { self.rawValue = rawValue }

    init?(name: String) {
        guard let found = Self.names.first(where: { $0.0 == name }) else { return nil }
        self = found.1
    }

    /// The type of a value; a number without fraction is an integer, however it is written.
    init(of value: JSONValue) {
        self =
            switch value {
            case .null: .null
            case .bool: .boolean
            case .int: .integer
            case .double(let value):
                value.rounded(.towardZero) == value ? .integer : SchemaTypes(rawValue: 8)
            case .string: .string
            case .array: .array
            case .object: .object
            }
    }

    var text: String {
        var rest = self
        var found: [String] = []
        for (name, type) in Self.names where rest.isSuperset(of: type) {
            found.append(name)
            rest.subtract(type)
        }
        return found.joined(separator: " or ")
    }
}
