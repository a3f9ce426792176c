import Testing
import WorkflowModel

@Suite("Round trips of definitions")
struct DefinitionRoundTripTests {
    @Test("random values come back from JSON and from YAML as they were, whatever signs they hold")
    func values() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("round trips: seed \(seed)")
        var random = SplitMix(state: seed)
        for _ in 0..<200 {
            let value = Self.value(depth: 4, &random)
            let definition: JSONValue = [
                "name": "a", "steps": [["name": "s", "function": "risk.score"]], "output": value,
            ]
            // JSON is YAML, too, so one text goes through both readers.
            for format in DefinitionFormat.allCases {
                let text = definition.encodedText
                let output = try DefinitionSamples.read(text, format).output?.literal
                #expect(output == value, "\(format), seed \(seed): \(text)")
            }
        }
    }

    private static func value(depth: Int, _ random: inout SplitMix) -> JSONValue {
        switch Int.random(in: 0...(depth > 0 ? 8 : 5), using: &random) {
        case 0: return nil
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .int(Int64.random(in: .min ... .max, using: &random))
        case 3: return .double(Double.random(in: -1e9...1e9, using: &random))
        case 4, 5: return .string(text(&random))
        case 6: return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(depth: depth - 1, &random) })
        default:
            var members = JSONObject()
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                members[text(&random)] = value(depth: depth - 1, &random)
            }
            return .object(members)
        }
    }

    private static func text(_ random: inout SplitMix) -> String {
        let signs = [
            "a", "B", "7", " ", "*", "&", "\"", "\\", "\n", "'", ":", "#", "é", "\u{E000}", "😀", "-", "[", "}", "$",
            "%", "\u{1F}", "~",
        ]
        return (0..<Int.random(in: 0...8, using: &random)).map { _ in signs.randomElement(using: &random) ?? "" }
            .joined()
    }
}
