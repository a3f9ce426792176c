/// Standard containers, whose `init(from:)` would never ask an empty recorder for an element.
protocol SchemaContainer {
    static func recordContainer(path: [String], enclosing: [ObjectIdentifier]) throws -> SchemaRecorder.Recording
}

extension Array: SchemaContainer where Element: Decodable {
    static func recordContainer(path: [String], enclosing: [ObjectIdentifier]) throws -> SchemaRecorder.Recording {
        let element = try SchemaRecorder.record(Element.self, path: path + ["[]"], enclosing: enclosing)
        return SchemaRecorder.Recording(schema: .array(element.schema), value: [Element]())
    }
}

extension Set: SchemaContainer where Element: Decodable {
    static func recordContainer(path: [String], enclosing: [ObjectIdentifier]) throws -> SchemaRecorder.Recording {
        let element = try SchemaRecorder.record(Element.self, path: path + ["[]"], enclosing: enclosing)
        return SchemaRecorder.Recording(schema: .array(element.schema, isUnique: true), value: Set<Element>())
    }
}

extension Dictionary: SchemaContainer where Key: Decodable, Value: Decodable {
    static func recordContainer(path: [String], enclosing: [ObjectIdentifier]) throws -> SchemaRecorder.Recording {
        guard Key.self == String.self || Key.self is any CodingKeyRepresentable.Type else {
            throw SchemaProblem(path: path, problem: "\(Self.self) is not a JSON object; give its type a stepSchema")
        }
        let value = try SchemaRecorder.record(Value.self, path: path + ["*"], enclosing: enclosing)
        return SchemaRecorder.Recording(schema: .dictionary(value.schema), value: [Key: Value]())
    }
}

extension Optional: SchemaContainer where Wrapped: Decodable {
    static func recordContainer(path: [String], enclosing: [ObjectIdentifier]) throws -> SchemaRecorder.Recording {
        let wrapped = try SchemaRecorder.record(Wrapped.self, path: path, enclosing: enclosing)
        return SchemaRecorder.Recording(schema: .nullable(wrapped.schema), value: Wrapped?.none)
    }
}
