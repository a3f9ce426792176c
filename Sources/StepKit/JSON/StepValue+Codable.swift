extension StepValue: Codable, StepSchemaProviding {
    /// Anything is accepted.
    public static var stepSchema: StepValue { true }

    public init(from decoder: any Decoder) throws {
        if let source = decoder.userInfo[ExactValues.key] as? ExactValues.Source,
            let value = source.value(at: decoder.codingPath)
        {
            self = value
        } else if let container = try? decoder.container(keyedBy: AnyKey.self) {
            var members = StepObject()
            for key in container.allKeys {
                members[key.stringValue] = try container.decode(StepValue.self, forKey: key)
            }
            self = .object(members)
        } else if var container = try? decoder.unkeyedContainer() {
            var elements: [StepValue] = []
            while !container.isAtEnd { elements.append(try container.decode(StepValue.self)) }
            self = .array(elements)
        } else {
            self = try Self.scalar(try decoder.singleValueContainer())
        }
    }

    private static func scalar(_ container: any SingleValueDecodingContainer) throws -> StepValue {
        if container.decodeNil() { return .null }
        if let value = try? container.decode(String.self) { return .string(value) }
        if let value = try? container.decode(Bool.self) { return .bool(value) }
        if let value = try? container.decode(Int64.self) { return .integer(value) }
        return .number(try container.decode(Double.self))
    }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .array(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(element) }
        case .object(let members):
            switch encoder.userInfo[ExactValues.key] {
            case _ where !ExactValues.needsMark(members): break
            case let marks as ExactValues.Marks:
                var container = encoder.singleValueContainer()
                return try container.encode(marks.mark(self))
            case is ExactValues.Watch: throw ExactValues.Needed()
            default: break
            }
            var container = encoder.container(keyedBy: AnyKey.self)
            for (key, value) in members { try container.encode(value, forKey: AnyKey(key)) }
        default:
            var container = encoder.singleValueContainer()
            switch self {
            case .bool(let value): try container.encode(value)
            case .integer(let value): try container.encode(value)
            case .number(let value): try container.encode(value)
            case .string(let value): try container.encode(value)
            case .null, .array, .object: try container.encodeNil()
            }
        }
    }
}

/// A coding key of any name.
struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init?(stringValue: String) { self.init(stringValue) }

    init?(intValue: Int) {
        stringValue = String(intValue)
        self.intValue = intValue
    }
}
