import WorkflowEngine
import WorkflowModel

/// Reads what a plugin says of itself and refuses what cannot be offered.
struct DescriptionReader {
    struct Fault: Error, Hashable { var message: String }

    static let functionsMax = 1_000
    /// Faults of a schema that are told.
    private static let faultsMax = 10
    /// The host sends a heartbeat at most each 100 ms, so less than this would end steps that did send some.
    static let heartbeatTimeoutsAccepted: ClosedRange<Int64> = 500...86_400_000

    var bytesMax: Int

    func read(_ bytes: [UInt8], hash: String, path: String) throws(Fault) -> PluginDescription {
        guard bytes.count <= bytesMax else {
            throw Fault(message: "describe gave \(bytes.count) bytes; the limit is \(bytesMax)")
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes, limits: JSONLimits(bytesMax: bytesMax, wideIntegersRefused: false))
        } catch {
            throw Fault(message: "describe gave no valid JSON: \(error)")
        }
        guard let members = value.objectValue else { throw Fault(message: "describe gave no JSON object") }
        guard let name = members["name"]?.stringValue, FunctionName("\(name).x") != nil else {
            throw Fault(message: "describe has no name of the form [a-z][a-z0-9_-]*")
        }
        guard let entries = members["functions"]?.arrayValue, !entries.isEmpty else {
            throw Fault(message: "describe has no functions")
        }
        guard entries.count <= Self.functionsMax else {
            throw Fault(message: "describe has \(entries.count) functions; the limit is \(Self.functionsMax)")
        }
        var functions: [FunctionDescription] = []
        var names: Set<String> = []
        for entry in entries {
            let function = try self.function(entry)
            guard names.insert(function.name).inserted else {
                throw Fault(message: "describe has the function \(function.name) twice")
            }
            functions.append(function)
        }
        return PluginDescription(
            name: name, version: members["version"]?.stringValue ?? "", sdk: members["sdk"]?.stringValue ?? "",
            hash: hash, path: path, functions: functions)
    }

    private func function(_ value: JSONValue) throws(Fault) -> FunctionDescription {
        guard let name = value["name"]?.stringValue, FunctionName("x.\(name)") != nil else {
            throw Fault(message: "describe has a function without a name of the form [a-z][a-z0-9_-]*")
        }
        for part in ["input", "output"] {
            guard let schema = value[part], !schema.isNull else { continue }
            do throws(JSONSchemaError) { _ = try JSONSchema(schema) } catch {
                let named = error.faults.prefix(Self.faultsMax).map { "\($0.path): \($0.message)" }
                let more = error.faults.count - named.count
                throw Fault(
                    message: "the \(part) schema of \(name) is not valid: \(named.joined(separator: "; "))"
                        + (more > 0 ? "; and \(more) more" : ""))
            }
        }
        func schema(_ part: String) -> JSONValue? { value[part].flatMap { $0.isNull ? nil : $0 } }
        return FunctionDescription(
            name: name, summary: value["summary"]?.stringValue, input: schema("input"), output: schema("output"),
            heartbeatTimeout: try heartbeatTimeout(value["heartbeat_timeout_ms"], of: name))
    }

    private func heartbeatTimeout(_ value: JSONValue?, of function: String) throws(Fault) -> Duration? {
        guard let value, !value.isNull else { return nil }
        guard let milliseconds = value.intValue, Self.heartbeatTimeoutsAccepted.contains(milliseconds) else {
            let range = Self.heartbeatTimeoutsAccepted
            throw Fault(
                message: "heartbeat_timeout_ms of \(function) must be a whole number from \(range.lowerBound) to "
                    + "\(range.upperBound)")
        }
        return .milliseconds(milliseconds)
    }
}
