import FoundationEssentials
import StepKit
import Testing

/// The JSON tree of dynamic steps.
@Suite struct StepValueTests {
    @Test(
        "text that is JSON is read and written back",
        arguments: [
            (#"null"#, #"null"#), (#" [ ] "#, #"[]"#), (#"{"b":1,"a":2}"#, #"{"a":2,"b":1}"#),
            (#"-0"#, #"0"#), (#"9223372036854775807"#, #"9223372036854775807"#), (#"1.5e3"#, #"1500"#),
            (#"18446744073709551616.0"#, #"1.8446744073709552e+19"#), (#"0.1"#, #"0.1"#), ("\u{feff}1", "1"),
            (#""\u0041\n\"\\\/\u20ac\ud83d\ude00""#, "\"A\\n\\\"\\\\/€😀\""), (#""\u0001""#, #""\u0001""#),
            (#"{"a":1,"a":2}"#, #"{"a":2}"#), (#"{"":{"é":[true,false]}}"#, #"{"":{"é":[true,false]}}"#),
        ])
    func reads(json: String, written: String) throws {
        #expect(try StepValue(json: json).json == written)
    }

    @Test(
        "text that is not JSON is refused",
        arguments: [
            "", "{", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "01", "1.", ".5", "+1", "1e", "--1", "tru", "nul", "NaN",
            "Infinity", "1e999", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
            "\"\u{1}\"", "1 2", "[1] x", "[1 2]", "'a'", "1\u{feff}", "9223372036854775808", "-9223372036854775809",
        ])
    func refuses(json: String) {
        #expect(throws: StepFailure.self) { try StepValue(json: json) }
    }

    @Test("bytes that are not UTF-8 are refused")
    func invalidUTF8() {
        #expect(throws: StepFailure.self) { try StepValue(json: [0x22, 0xFF, 0x22]) }
        #expect(throws: StepFailure.self) { try StepValue(json: [0x22, 0x5C, 0x6E, 0xC3, 0x22]) }
    }

    @Test("nesting beyond the limit is refused, up to it read")
    func depth() throws {
        let within = String(repeating: "[", count: 512) + String(repeating: "]", count: 512)
        #expect(try StepValue(json: within).json == within)
        #expect(throws: StepFailure.self) { try StepValue(json: String(repeating: "[", count: 100_000)) }
    }

    @Test("Foundation's coders carry it unchanged")
    func codable() throws {
        struct Box: Codable, Equatable { var any: StepValue }
        let box = Box(any: ["a": [1, 2.5, "x", nil, true], "b": ["c": -3]])
        let bytes = try JSONEncoder().encode(box)
        #expect(try JSONDecoder().decode(Box.self, from: bytes) == box)
        #expect(try StepValue(json: bytes)["any"] == box.any)
    }

    /// Canonically equivalent, different by their code points: an accent, ångström and Å, a syllable and its letters.
    static let equivalents = [("é", "e\u{301}"), ("\u{212B}", "\u{C5}"), ("가", "\u{1100}\u{1161}")]

    @Test("names and texts are told apart by their code points", arguments: equivalents)
    func exact(left: String, right: String) throws {
        #expect(left == right)
        #expect(StepValue.string(left) != .string(right))
        #expect(Set([StepValue.string(left), .string(right)]).count == 2)
        let text = "{\"\(left)\":1,\"\(right)\":2}"
        let value = try StepValue(json: text)
        #expect(value[left] == 1 && value[right] == 2 && value.objectValue?.count == 2)
        #expect(try StepValue(json: value.json) == value)
        #expect(value != [left: 1] && value.objectValue != StepObject())
        #expect(value == [right: 2, left: 1])
    }

    @Test("types of a step's own carry such names through in both directions", arguments: equivalents)
    func exactInTypes(left: String, right: String) throws {
        struct Box: Codable, Equatable {
            var list: [StepValue]
            var named: [String: StepValue]
            var any: StepValue?
        }
        let inner = "{\"\(left)\":1,\"\(right)\":{\"\(right)\":[],\"\(left)\":null}}"
        // By scalars: `replacing` would take both spellings for one.
        let escaped = inner.unicodeScalars.map { $0 == "\u{E9}" ? #"\u00e9"# : String($0) }.joined()
        for text in [inner, escaped] {
            let json = "{\"any\":\(text),\"list\":[0,\(text)],\"named\":{\"ü\":\(text)}}"
            let box = try StepJSON.decode(Box.self, from: Data(json.utf8))
            for value in [box.any, box.list.last, box.named["ü"]] {
                #expect(value?[left] == 1 && value?[right]?[right] == [] && value?[right]?[left] == .null)
            }
            let written = try StepValue(json: try StepJSON.encode(box))
            #expect(written == (try StepValue(json: json)))
        }
    }

    @Test("a type whose keys are spelt in another way than the text is read all the same")
    func equivalentKeys() throws {
        struct Box: Codable {
            var name: StepValue
            enum CodingKeys: String, CodingKey { case name = "é" }
        }
        #expect(try StepJSON.decode(Box.self, from: Data("{\"e\u{301}\":[1]}".utf8)).name == [1])
    }

    @Test("members come in the order of their bytes")
    func order() throws {
        let value = try StepValue(json: #"{"z":1,"é":2,"a":3,"Z":4,"":5}"#)
        #expect(value.objectValue?.keys == ["", "Z", "a", "z", "é"])
        #expect(value.json == #"{"":5,"Z":4,"a":3,"z":1,"é":2}"#)
    }

    @Test("random trees survive writing and reading")
    func roundTrip() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SplitMix(state: seed)
        for _ in 0..<500 {
            let value = Self.random(depth: 0, &generator)
            #expect(try StepValue(json: value.json) == value, "seed \(seed)")
            #expect(try JSONDecoder().decode(StepValue.self, from: Data(value.json.utf8)) == value, "seed \(seed)")
        }
    }

    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static func random(depth: Int, _ generator: inout SplitMix) -> StepValue {
        switch Int.random(in: 0..<(depth < 4 ? 7 : 5), using: &generator) {
        case 0: return .null
        case 1: return .bool(.random(using: &generator))
        case 2: return .integer(.random(in: .min ... .max, using: &generator))
        case 3: return .number(Double.random(in: -1e6...1e6, using: &generator) + 0.123)
        case 4: return .string(randomText(&generator))
        case 5:
            return .array(
                (0..<Int.random(in: 0...4, using: &generator)).map { _ in random(depth: depth + 1, &generator) })
        default:
            var members = StepObject()
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                members[randomText(&generator)] = random(depth: depth + 1, &generator)
            }
            return .object(members)
        }
    }

    private static func randomText(_ generator: inout SplitMix) -> String {
        let alphabet: [Character] = ["a", "\"", "\\", "/", "\n", "\u{1}", "é", "€", "😀", " "]
        return String(
            (0..<Int.random(in: 0...8, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? "a" }
        )
    }
}
