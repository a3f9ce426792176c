import WorkflowModel

/// Writes the members of a record's JSON object.
struct RecordFields {
    private var writer = JSONWriter(reserving: 192)
    private var isEmpty = true

    /// The object so far, closed.
    var bytes: [UInt8] {
        var closed = writer
        if isEmpty { closed.raw("{") }
        closed.raw("}")
        return closed.bytes
    }

    private mutating func key(_ name: StaticString) {
        writer.raw(isEmpty ? "{\"" : ",\"")
        writer.raw(name)
        writer.raw("\":")
        isEmpty = false
    }

    mutating func int(_ name: StaticString, _ value: Int) { key(name); writer.int(value) }
    mutating func double(_ name: StaticString, _ value: Double) { key(name); writer.double(value) }
    mutating func string(_ name: StaticString, _ value: String) { key(name); writer.string(value) }
    mutating func value(_ name: StaticString, _ value: JSONValue) { key(name); writer.value(value) }
    mutating func optionalTime(_ name: StaticString, _ value: Timestamp?) {
        if let value { int(name, Int(value.microseconds)) }
    }
}

/// Reads the members of a record's JSON object.
struct RecordReader {
    private let members: JSONObject

    init(_ payload: [UInt8]) throws(RecordError) {
        do {
            guard let members = try JSONValue(parsing: payload, limits: .written).objectValue else {
                throw RecordError("not an object")
            }
            self.members = members
        } catch let error as RecordError { throw error } catch { throw RecordError("\(error)") }
    }

    func optional(_ name: String) -> JSONValue? { members[name] }
    func optionalString(_ name: String) -> String? { members[name]?.stringValue }

    func value(_ name: String) throws(RecordError) -> JSONValue {
        guard let value = members[name] else { throw RecordError("member \(name) is missing") }
        return value
    }

    func string(_ name: String) throws(RecordError) -> String {
        guard let value = members[name]?.stringValue else { throw RecordError("member \(name) is not a string") }
        return value
    }

    func int(_ name: String) throws(RecordError) -> Int {
        guard let value = members[name]?.intValue else { throw RecordError("member \(name) is not an integer") }
        return Int(value)
    }

    func double(_ name: String) throws(RecordError) -> Double {
        guard let value = members[name]?.doubleValue else { throw RecordError("member \(name) is not a number") }
        return value
    }

    func object(_ name: String) throws(RecordError) -> JSONObject {
        guard let value = members[name]?.objectValue else { throw RecordError("member \(name) is not an object") }
        return value
    }

    func optionalTime(_ name: String) -> Timestamp? {
        members[name]?.intValue.map { Timestamp(microseconds: $0) }
    }

    func choice<Choice: RawRepresentable>(_ name: String) throws(RecordError) -> Choice
    where Choice.RawValue == String {
        guard let value = Choice(rawValue: try string(name)) else {
            throw RecordError("member \(name) is of a newer version")
        }
        return value
    }

    func time(_ name: String) throws(RecordError) -> Timestamp { Timestamp(microseconds: Int64(try int(name))) }
}
