@testable import WorkflowModel

/// JSON: what is read is written and read back equal, and the reader of definitions, which keeps places, agrees.
enum JSONFuzzer {
    static func read(_ input: [UInt8]) {
        DefinitionFuzzer.readTwice(input, .json)
        guard let value = try? JSONValue(parsing: input) else { return }
        let written = value.encoded
        guard let again = try? JSONValue(parsing: written) else { fatalError("what was written cannot be read") }
        require(again == value, "what was written reads as another value")
        require(again.encoded == written, "the same value is written in two ways")
        require(DefinitionReader.json(input, format: .json) == value, "the two readers of JSON disagree")
    }
}
