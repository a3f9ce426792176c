/// The part of JSON Schema that can be read off a Swift type.
indirect enum Schema: Sendable {
    /// `type`, with `format` or another keyword beside it.
    case scalar(String, keyword: String? = nil, value: String = "")
    case array(Schema, isUnique: Bool = false)
    case dictionary(Schema)
    case object([Property])
    case enumeration([StepValue])
    case nullable(Schema)
    case raw(StepValue)

    struct Property: Sendable {
        let name: String
        let schema: Schema
        let isRequired: Bool
    }

    /// JSON text; properties in the order of their declaration.
    var json: String {
        switch self {
        case .scalar(let type, nil, _): return "{\"type\":\"\(type)\"}"
        case .scalar(let type, let keyword?, let value): return "{\"type\":\"\(type)\",\"\(keyword)\":\"\(value)\"}"
        case .array(let element, let isUnique):
            return "{\"type\":\"array\",\"items\":\(element.json)\(isUnique ? ",\"uniqueItems\":true" : "")}"
        case .dictionary(let value): return "{\"type\":\"object\",\"additionalProperties\":\(value.json)}"
        case .enumeration(let values): return "{\"enum\":\(StepValue.array(values).json)}"
        case .nullable(let schema): return "{\"anyOf\":[\(schema.json),{\"type\":\"null\"}]}"
        case .raw(let value): return value.json
        case .object(let properties):
            let members = properties.map { "\(StepValue.string($0.name).json):\($0.schema.json)" }
            let required = properties.filter(\.isRequired).map { StepValue.string($0.name) }
            let suffix = required.isEmpty ? "" : ",\"required\":\(StepValue.array(required).json)"
            return "{\"type\":\"object\",\"properties\":{\(members.joined(separator: ","))}\(suffix)}"
        }
    }

    /// Reads the schema of a type, or says why that is impossible.
    static func of(_ type: any Decodable.Type) -> SchemaResult {
        do {
            return .schema(try SchemaRecorder.record(type, path: [], enclosing: []).schema)
        } catch let problem as SchemaProblem {
            return .unsupported(problem.description)
        } catch {
            return .unsupported(StepJSON.explain(error))
        }
    }
}

enum SchemaResult: Sendable {
    case schema(Schema)
    case unsupported(String)
}

struct SchemaProblem: Error, CustomStringConvertible {
    let path: [String]
    let problem: String

    var description: String { (path.isEmpty ? "" : path.joined(separator: ".") + ": ") + problem }
}
