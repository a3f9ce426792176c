/// A value of a definition's text, with the place where it stands; YAML and JSON are both read into it.
struct SourceNode: Sendable {
    indirect enum Content: Sendable {
        /// Null, a boolean, a number or a string.
        case scalar(JSONValue)
        case array([SourceNode])
        case object([Member])
    }

    struct Member: Sendable {
        var key: String
        var keyPosition: SourcePosition
        var value: SourceNode
    }

    var position: SourcePosition
    var content: Content

    /// The member of that name; nil for other types.
    subscript(key: String) -> SourceNode? {
        guard case .object(let members) = content else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// The value without its places.
    var json: JSONValue {
        switch content {
        case .scalar(let value): value
        case .array(let elements): .array(elements.map(\.json))
        case .object(let members): .object(JSONObject(members.map { ($0.key, $0.value.json) }))
        }
    }

    /// How many values there are, this one included.
    var count: Int {
        switch content {
        case .scalar: 1
        case .array(let elements): elements.reduce(1) { $0 + $1.count }
        case .object(let members): members.reduce(1) { $0 + $1.value.count }
        }
    }

    var typeName: String {
        switch content {
        case .scalar(let value): value.typeName
        case .array: "array"
        case .object: "object"
        }
    }
}

/// A place in a text; both from 1, the column in Unicode scalars.
struct SourcePosition: Hashable, Comparable, Sendable {
    var line: Int
    var column: Int

    static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}
