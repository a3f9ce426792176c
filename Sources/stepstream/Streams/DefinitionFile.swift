import FoundationEssentials
import WorkflowModel

/// A definition that a command is given: a file, a pipe, `-`.
struct DefinitionFile {
    let path: String
    let source: [UInt8]
    let format: DefinitionFormat

    init(_ path: String) throws {
        self.path = path
        source = try InputFile.bytes(path)
        format =
            switch path.split(separator: ".").last.map({ $0.lowercased() }) {
            case "json": .json
            case "yaml", "yml": .yaml
            default: DefinitionReader.format(of: source)
            }
    }

    private var place: String { path == "-" ? "standard input" : path }

    /// - Throws: `CommandError` with every fault, each with file, line and column.
    func read(functions: (FunctionName) -> FunctionLookup) throws(DefinitionFaults) -> WorkflowDefinition {
        do throws(DefinitionError) {
            return try DefinitionReader.read(source, format: format, functions: functions)
        } catch { throw faults(error) }
    }

    func faults(_ error: DefinitionError) -> DefinitionFaults {
        DefinitionFaults(lines: error.faults.map { VisibleText.escaped("\(place):\($0)") })
    }

    /// The files that paths name: a directory stands for the definitions that lie in it.
    static func paths(_ given: [String]) throws -> [String] {
        try given.flatMap { path -> [String] in
            guard Platform.isDirectory(path) else { return [path] }
            let names: [String]
            do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
                throw CommandError(.usage, "\(path) cannot be read: \(Platform.faultOfDirectory(path) ?? "\(error)")")
            }
            let definitions = names.filter { name in
                !name.hasPrefix(".") && [".yaml", ".yml", ".json"].contains { name.lowercased().hasSuffix($0) }
            }
            guard !definitions.isEmpty else {
                throw CommandError(.usage, "\(path) has no file that ends in .yaml, .yml or .json")
            }
            return definitions.sorted().map { path.hasSuffix("/") ? path + $0 : "\(path)/\($0)" }
        }
    }
}

/// What is wrong with definitions, a line each.
struct DefinitionFaults: ExitStatusError, CustomStringConvertible {
    var lines: [String]
    var exitStatus: ExitStatus { .usage }
    var description: String {
        (["\(lines.count) \(lines.count == 1 ? "fault" : "faults")"] + lines).joined(separator: "\n")
    }
}
