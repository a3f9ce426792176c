/// The least value that a schema allows, as a placeholder for a type with a schema of its own.
enum SchemaExample {
    static func least(of schema: StepValue) -> StepValue {
        if let example = schema["examples"]?[0] ?? schema["const"] ?? schema["enum"]?[0] ?? schema["default"] {
            return example
        }
        if let alternative = schema["anyOf"]?[0] ?? schema["oneOf"]?[0] { return least(of: alternative) }
        switch schema["type"]?.stringValue ?? schema["type"]?[0]?.stringValue {
        case "object":
            var members = StepObject()
            for name in schema["required"]?.arrayValue ?? [] {
                guard let name = name.stringValue else { continue }
                members[name] = least(of: schema["properties"]?[name] ?? true)
            }
            return .object(members)
        case "array": return []
        case "string": return ""
        case "integer", "number": return schema["minimum"] ?? 0
        case "boolean": return false
        default: return .null
        }
    }
}
