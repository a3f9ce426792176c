import Testing
import WorkflowModel

@Suite("Patterns of JSON Schema")
struct PatternTests {
    private static func schema(_ pattern: String) throws -> JSONSchema { try JSONSchema(["pattern": .string(pattern)]) }

    @Test(
        "patterns match as ECMA-262 says",
        arguments: [
            ("", ["", "a"], []), ("a|", ["", "b"], []), ("^$", [""], ["a", "\n"]),
            ("a.c", ["xabcx", "a\u{85}c"], ["a\nc", "a\u{2028}c"]),
            ("^a*$", ["", "aaa"], ["b"]), ("^a+?b??$", ["a", "aab"], ["b", "abb"]),
            ("^(ab|c)+$", ["abcab"], ["aab", ""]),
            ("^a{2}$", ["aa"], ["a", "aaa"]), ("^a{2,}$", ["aa", "aaaa"], ["a"]),
            ("^a{1,2}$", ["a", "aa"], ["", "aaa"]),
            ("^a{0}$", [""], ["a"]), ("^(a*)*$", ["", "aaa"], ["b"]), ("^(a|b|){3}$", ["", "ab", "bab"], ["abab"]),
            ("^[a-c\\-\\]]+$", ["abc-]"], ["d"]), ("^[^a-c]$", ["d", "😀"], ["a", ""]), ("^[]$", [], ["", "a"]),
            ("^[^]$", ["\n"], [""]),
            ("^\\d+$", ["09"], ["٣", "a"]), ("^\\D$", ["a", "٣"], ["1"]), ("^\\w+$", ["aZ_9"], ["é", "-"]),
            ("^\\W$", ["é"], ["_"]),
            ("^\\s$", [" ", "\u{FEFF}", "\u{2003}", "\n"], ["\u{85}", "a"]), ("^[\\s\\S]$", ["\n", "a"], [""]),
            ("^[^\\W\\d]$", ["a", "_"], ["1", "-"]),
            ("\\bfoo\\b", ["a foo b", "foo"], ["afoo", "foob"]), ("\\Boo\\b", ["foo"], ["oo"]),
            ("^\\x41\\u0042\\u{1F600}\\ud83d\\ude00\\cJ\\0\\t$", ["AB😀😀\n\0\t"], ["AB"]),
            ("^\\/\\.\\$\\-\\@$", ["/.$-@"], ["a"]), ("^\\p{Lu}\\P{Lu}$", ["Éé"], ["éé", "ÉÉ"]),
            ("^\\p{L}+$", ["aéß漢"], ["a1"]), ("^\\p{General_Category=Decimal_Number}$", ["٣", "1"], ["Ⅷ"]),
            ("^[\\p{Ll}\\p{Nd}_]+$", ["aé٣_"], ["A"]),
            ("^(?!stream$)[a-z]+$", ["streams", "a"], ["stream"]),
            ("^(?=.*\\d)(?=.*[a-z]).{4,}$", ["abc1"], ["abcd", "1234", "a1"]),
            ("^(?<year>\\d{4})-(?:\\d\\d)$", ["2026-01"], ["2026-1"]), ("colou?r", ["the color", "colour"], ["colr"]),
            ("^😀{2}$", ["😀😀"], ["😀"]), ("^.$", ["😀", "é"], ["e\u{301}"]), ("x*y|^z", ["aay", "zz"], ["az"]),
        ] as [(String, [String], [String])])
    func matching(_ pattern: String, _ matching: [String], _ other: [String]) throws {
        let schema = try Self.schema(pattern)
        for text in matching { #expect(schema.violations(of: .string(text)) == [], "\(text.debugDescription)") }
        for text in other {
            #expect(schema.violations(of: .string(text)).map(\.keyword) == ["pattern"], "\(text.debugDescription)")
        }
    }

    @Test(
        "what is not a pattern, or not of the subset, is refused with its place",
        arguments: [
            ("(", 2), (")", 1), ("a(b", 4), ("*", 1), ("a**", 3), ("a{2,1}", 7), ("a{", 3), ("a{x}", 3), ("{", 1),
            ("a}", 2), ("]", 1),
            ("[a", 3), ("[b-a]", 5), ("[\\d-x]", 5), ("\\", 2), ("\\q", 2), ("(a)\\1", 6), ("\\k<a>", 3),
            ("(?<=a)b", 5),
            ("(?<!a)b", 5), ("(?i)a", 2), ("\\u12", 5), ("\\u{110000}", 10), ("\\x1", 4), ("\\01", 3), ("\\c1", 3),
            ("\\p{Greek}", 4), ("\\pL", 3), ("(?<a", 4), ("^*", 2), ("(?=a)*", 6),
            ("a{10001}", 1), ("(a{100}){101}", 1),
        ])
    func refused(_ pattern: String, _ column: Int) throws {
        let error = try #require(throws: JSONSchemaError.self) { try Self.schema(pattern) }
        let fault = try #require(error.faults.first)
        #expect(fault.path == "/pattern")
        #expect(fault.message.hasSuffix("at character \(column) of the pattern"), "\(fault.message)")
    }

    @Test("over-long and over-deep patterns are refused")
    func limits() {
        #expect(throws: JSONSchemaError.self) { try Self.schema(String(repeating: "a", count: 8193)) }
        #expect(throws: JSONSchemaError.self) {
            try Self.schema(String(repeating: "(", count: 65) + String(repeating: ")", count: 65))
        }
    }

    @Test(
        "patterns that make backtracking matchers hang are answered at once",
        arguments: ["^(a+)+$", "^(a|aa)+$", "^(a|a)*$", "^(.*a){12}$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"])
    func catastrophic(_ pattern: String) throws {
        let schema = try Self.schema(pattern)
        let text = String(repeating: pattern.contains("x") ? "x" : "a", count: 300) + "!"
        #expect(schema.violations(of: .string(text)).map(\.keyword) == ["pattern"])
    }

    @Test("a match that would take too long is given up and said")
    func givenUp() throws {
        let schema = try Self.schema("(?!(?:.*){50}!)(?:a|b|.){900}y")
        let text = String(repeating: "a", count: 1000)
        #expect(schema.violations(of: .string(text), stepsMax: 100_000).map(\.keyword) == ["$limit"])
    }

    @Test("agrees with Swift's own expressions on random patterns and texts")
    func random() throws {
        var compared = 0
        for seed in 1...400 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            let pattern = Self.pattern(depth: 3, using: &random)
            let schema = try Self.schema(pattern)
            let regex = try Regex(pattern)
            for _ in 0..<6 {
                let text = String(
                    (0..<Int.random(in: 0..<7, using: &random)).map { _ in "abc".randomElement(using: &random) ?? "a" })
                let expected = try regex.firstMatch(in: text) != nil
                #expect(
                    schema.violations(of: .string(text)).isEmpty == expected, "seed \(seed): /\(pattern)/ on \(text)")
                compared += 1
            }
        }
        #expect(compared == 2400)
    }

    private static func pattern(depth: Int, using random: inout SeededGenerator) -> String {
        let atoms = ["a", "b", "c", "[ab]", "[^a]", ".", "(?:a|bc)"]
        guard depth > 0 else { return atoms.randomElement(using: &random) ?? "a" }
        var text = Int.random(in: 0..<6, using: &random) == 0 ? "^" : ""
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let inner =
                Bool.random(using: &random)
                ? "(?:\(pattern(depth: depth - 1, using: &random)))" : pattern(depth: 0, using: &random)
            text += inner + (["", "", "*", "+", "?", "{2}", "{1,2}", "|"].randomElement(using: &random) ?? "")
        }
        return Int.random(in: 0..<6, using: &random) == 0 ? text + "$" : text
    }
}
