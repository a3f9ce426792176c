/// Any JSON: the input or output of steps whose shape is known only at run time.
///
/// Reads and writes `Codable` coders, literals, and JSON text of its own (``init(json:)``, ``json``).
public enum StepValue: Sendable {
    case null
    case bool(Bool)
    /// A number without fraction or exponent that fits 64 bits.
    case integer(Int64)
    /// Any other number; finite.
    case number(Double)
    case string(String)
    case array([StepValue])
    /// Keys are written in ascending order, so that equal values have equal text.
    case object(StepObject)
}

extension StepValue {
    /// The member of an object; nil for anything else.
    public subscript(key: String) -> StepValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    /// The element of an array; nil outside it and for anything else.
    public subscript(index: Int) -> StepValue? {
        if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
    }

    public var isNull: Bool { self == .null }
    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
    public var arrayValue: [StepValue]? { if case .array(let value) = self { value } else { nil } }
    public var objectValue: StepObject? { if case .object(let value) = self { value } else { nil } }

    /// The number, whichever way it was written.
    public var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The number when it is whole, `3.0` included.
    public var integerValue: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }
}

extension StepValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: StepValue...) { self = .array(elements) }
    /// Of a repeated key the last value stays.
    public init(dictionaryLiteral elements: (String, StepValue)...) {
        self = .object(StepObject(elements.lazy.map { (key: $0.0, value: $0.1) }))
    }
}
