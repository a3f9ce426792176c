/// Notes the one value that a type is made of, for example the raw value of a wrapper.
struct SingleValueSchemaRecorder: SingleValueDecodingContainer {
    let recorder: SchemaRecorder

    var codingPath: [any CodingKey] { recorder.codingPath }

    func decodeNil() -> Bool { false }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let recording = try SchemaRecorder.record(type, path: recorder.path, enclosing: recorder.enclosing)
        recorder.schema = recording.schema
        guard let value = recording.value as? T else {
            throw SchemaProblem(path: recorder.path, problem: "no placeholder for \(type); give it a stepSchema")
        }
        return value
    }

    func decode(_ type: Bool.Type) throws -> Bool { try note(type) }
    func decode(_ type: String.Type) throws -> String { try note(type) }
    func decode(_ type: Double.Type) throws -> Double { try note(type) }
    func decode(_ type: Float.Type) throws -> Float { try note(type) }
    func decode(_ type: Int.Type) throws -> Int { try note(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try note(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try note(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try note(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try note(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try note(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try note(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try note(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try note(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try note(type) }

    private func note<T: Decodable>(_ type: T.Type) throws -> T {
        guard let scalar = SchemaRecorder.scalar(type), let value = scalar.value as? T else {
            throw SchemaProblem(path: recorder.path, problem: "no placeholder for \(type); give it a stepSchema")
        }
        recorder.schema = scalar.schema
        return value
    }
}
