import ArgumentParser
import WorkflowModel

/// The inputs of a run.
struct InputOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "JSON file of the inputs; - for standard input.") var inputs: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "One input, over those of the file: JSON, or else a text. Repeatable.", valueName: "key=value"))
    var set: [String] = []

    var isStandardInput: Bool { inputs.map(InputFile.isStandardInput) ?? false }

    /// An object.
    func value() throws -> JSONValue {
        if inputs == "" { throw CommandError(.usage, "--inputs is empty; give a file, or - for standard input") }
        let given = try inputs.map { try InputFile.json($0) } ?? .object(JSONObject())
        guard case .object(var members) = given else {
            throw CommandError(.usage, "the inputs are an object, not \(given.typeName)")
        }
        for entry in set {
            guard let sign = entry.firstIndex(of: "="), sign > entry.startIndex else {
                throw CommandError(.usage, "--set is \"\(entry)\"; give key=value")
            }
            let text = String(entry[entry.index(after: sign)...])
            // `01234` and whatever else is no JSON is a text, and so is a number that would lose digits.
            members[String(entry[..<sign])] = (try? JSONValue(parsing: text)) ?? .string(text)
        }
        return .object(members)
    }
}
