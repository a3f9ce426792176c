internal import FoundationEssentials

/// Runs a type's `init(from:)` against a decoder that notes what it is asked for and answers with placeholders.
final class SchemaRecorder: Decoder {
    /// What one type is, and a value of it, with which the enclosing type's `init(from:)` goes on.
    struct Recording {
        let schema: Schema
        let value: any Decodable
    }

    let path: [String]
    let enclosing: [ObjectIdentifier]
    var schema: Schema?
    var properties: [Schema.Property] = []

    var codingPath: [any CodingKey] { path.map { AnyKey($0) } }
    let userInfo: [CodingUserInfoKey: Any] = [:]

    init(path: [String], enclosing: [ObjectIdentifier]) {
        self.path = path
        self.enclosing = enclosing
    }

    /// - Parameters:
    ///   - path: where the type stands, for problems.
    ///   - enclosing: the types around it; one that contains itself has no finite schema here.
    static func record(_ type: any Decodable.Type, path: [String], enclosing: [ObjectIdentifier]) throws -> Recording {
        if let known = try knownType(type) { return known }
        if let container = type as? any SchemaContainer.Type {
            return try container.recordContainer(path: path, enclosing: enclosing)
        }
        guard !enclosing.contains(ObjectIdentifier(type)) else {
            throw SchemaProblem(path: path, problem: "\(type) contains itself; give it a stepSchema")
        }
        let recorder = SchemaRecorder(path: path, enclosing: enclosing + [ObjectIdentifier(type)])
        let value: any Decodable
        do {
            value = try type.init(from: recorder)
        } catch let problem as SchemaProblem {
            throw problem
        } catch {
            throw SchemaProblem(
                path: path,
                problem: "\(type) refuses placeholder values (\(StepJSON.explain(error))); give it a stepSchema")
        }
        return Recording(schema: recorder.schema ?? .object(recorder.properties), value: value)
    }

    /// Types whose schema does not come from their `init(from:)`.
    private static func knownType(_ type: any Decodable.Type) throws -> Recording? {
        if let provider = type as? any (StepSchemaProviding & Decodable).Type { return try provided(provider) }
        if let enumeration = type as? any (CaseIterable & RawRepresentable & Decodable).Type,
            let recording = cases(of: enumeration)
        {
            return recording
        }
        switch type {
        case is Date.Type:
            return Recording(
                schema: .scalar("string", keyword: "format", value: "date-time"), value: Date(timeIntervalSince1970: 0))
        case is UUID.Type:
            return Recording(schema: .scalar("string", keyword: "format", value: "uuid"), value: UUID())
        case is Data.Type:
            return Recording(schema: .scalar("string", keyword: "contentEncoding", value: "base64"), value: Data())
        case is Decimal.Type: return Recording(schema: .scalar("number"), value: Decimal())
        case is URL.Type:
            guard let url = URL(string: "about:blank") else { return nil }
            return Recording(schema: .scalar("string", keyword: "format", value: "uri"), value: url)
        default: return scalar(type)
        }
    }

    static func scalar(_ type: any Decodable.Type) -> Recording? {
        if let type = type as? any (BinaryInteger & Decodable).Type {
            return Recording(schema: .scalar("integer"), value: type.init(0))
        }
        if let type = type as? any (BinaryFloatingPoint & Decodable).Type {
            return Recording(schema: .scalar("number"), value: type.init(0))
        }
        if type is String.Type { return Recording(schema: .scalar("string"), value: "") }
        if type is Bool.Type { return Recording(schema: .scalar("boolean"), value: false) }
        return nil
    }

    private static func provided<T: StepSchemaProviding & Decodable>(_ type: T.Type) throws -> Recording {
        let schema = type.stepSchema
        if type == StepValue.self { return Recording(schema: .raw(schema), value: StepValue.null) }
        let example = SchemaExample.least(of: schema)
        return Recording(schema: .raw(schema), value: try StepJSON.decode(type, from: Data(example.json.utf8)))
    }

    /// An enum without associated values decodes from one of its raw values.
    private static func cases<T: CaseIterable & RawRepresentable & Decodable>(of type: T.Type) -> Recording? {
        guard let first = type.allCases.first else { return nil }
        var values: [StepValue] = []
        for element in type.allCases {
            switch element.rawValue {
            case let text as String: values.append(.string(text))
            case let number as any BinaryInteger:
                guard let whole = Int64(exactly: number) else { return nil }
                values.append(.integer(whole))
            default: return nil
            }
        }
        return Recording(schema: .enumeration(values), value: first)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(KeyedSchemaRecorder<Key>(recorder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw SchemaProblem(path: path, problem: "an array read element by element; give its type a stepSchema")
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        SingleValueSchemaRecorder(recorder: self)
    }
}
