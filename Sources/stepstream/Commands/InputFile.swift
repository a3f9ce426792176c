import FoundationEssentials
import WorkflowModel

/// Reads the files that commands are given.
enum InputFile {
    static let bytesMax = 64 << 20

    /// The whole file; `-` is standard input.
    static func bytes(_ path: String) throws -> [UInt8] {
        let source = path == "-" ? "/dev/stdin" : path
        guard let data = FileManager.default.contents(atPath: source) else {
            throw CommandError(.usage, "\(path) cannot be read")
        }
        guard data.count <= bytesMax else { throw CommandError(.usage, "\(path) exceeds \(bytesMax) bytes") }
        return Array(data)
    }

    /// The inputs of a run; none is an empty object.
    static func inputs(_ path: String?) throws -> JSONValue {
        guard let path else { return .object(JSONObject()) }
        return try json(path)
    }

    static func json(_ path: String) throws -> JSONValue {
        do { return try JSONValue(parsing: try bytes(path), limits: JSONLimits(bytesMax: bytesMax)) } catch let error
            as JSONError
        {
            throw CommandError(.usage, "\(path): \(error)")
        }
    }
}
