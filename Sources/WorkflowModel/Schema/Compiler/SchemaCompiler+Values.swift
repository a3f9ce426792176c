// The types of keywords' values: each gives nil and adds a fault when the value is of another type.
extension SchemaCompiler {
    mutating func string(_ value: JSONValue, _ path: String, _ keyword: String) -> String? {
        if let text = value.stringValue { return text }
        fault(path, keyword, "must be a string")
        return nil
    }

    mutating func boolean(_ value: JSONValue, _ path: String, _ keyword: String) -> Bool? {
        if let flag = value.boolValue { return flag }
        fault(path, keyword, "must be a boolean")
        return nil
    }

    mutating func array(_ value: JSONValue, _ path: String, _ keyword: String) -> [JSONValue]? {
        if let elements = value.arrayValue { return elements }
        fault(path, keyword, "must be an array")
        return nil
    }

    mutating func object(_ value: JSONValue, _ path: String, _ keyword: String) -> JSONObject? {
        if let members = value.objectValue { return members }
        fault(path, keyword, "must be an object")
        return nil
    }

    /// An integer from 0; what exceeds `Int` counts as its largest value.
    mutating func count(_ value: JSONValue, _ path: String, _ keyword: String) -> Int? {
        if let count = value.intValue, count >= 0 { return Int(clamping: count) }
        if case .double(let number) = value, number >= 0x1p63 { return .max }
        fault(path, keyword, "must be an integer from 0")
        return nil
    }

    /// An array of different strings.
    mutating func names(_ value: JSONValue, _ path: String, _ keyword: String) -> [String]? {
        guard let elements = value.arrayValue else {
            fault(path, keyword, "must be an array of strings")
            return nil
        }
        let names = elements.compactMap(\.stringValue)
        guard names.count == elements.count else {
            fault(path, keyword, "must be an array of strings")
            return nil
        }
        if Set(names.map(ExactText.init)).count < names.count { fault(path, keyword, "must not repeat a name") }
        return names
    }

    private static let quotedTextBytesMax = 200

    /// A value as a message shows it, cut when it is long.
    static func text(of value: JSONValue) -> String {
        let text = value.encodedText
        return text.utf8.count <= quotedTextBytesMax ? text : String(text.prefix(quotedTextBytesMax)) + "…"
    }

    static func text(of values: [JSONValue]) -> String {
        let shown = values.prefix(20).map(text(of:)).joined(separator: ", ")
        return values.count > 20 ? "\(shown), …" : shown
    }
}
