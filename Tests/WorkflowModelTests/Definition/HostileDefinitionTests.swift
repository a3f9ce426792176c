import Testing
import WorkflowModel

@Suite("Hostile definitions")
struct HostileDefinitionTests {
    private static let head = "name: a\nsteps: [{name: s, function: risk.score}]\noutput: "

    @Test("a text over 1 MiB is refused before it is read")
    func tooLarge() {
        #expect(DefinitionSamples.faults(String(repeating: "#", count: (1 << 20) + 1)) == ["1:1  too_large"])
        #expect(DefinitionSamples.faults(String(repeating: " ", count: 1 << 20), .json) == ["1:1048577  syntax"])
    }

    @Test(
        "a megabyte of openings is refused, not recursed into", arguments: DefinitionFormat.allCases,
        ["[", "{\"a\":", "- ", "? ", "[{a: ", "!!seq [", "&a [", "'", "\"", "|\n ", "a: ", "*a ", "%", "\t"])
    func openings(_ format: DefinitionFormat, _ opening: String) {
        let text = String(repeating: opening, count: (1 << 20) / opening.utf8.count)
        let faults = DefinitionSamples.faults(text, format)
        #expect(!faults.isEmpty && faults.count <= 100)
    }

    @Test("nesting of 64 is read and of 65 refused, in YAML and JSON alike")
    func depth() throws {
        func text(_ depth: Int) -> String {
            // The object of the definition is the first level.
            Self.head + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1)
        }
        func json(_ depth: Int) -> String {
            "{\"name\":\"a\",\"steps\":[{\"name\":\"s\",\"function\":\"risk.score\"}],\"output\":"
                + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1) + "}"
        }
        #expect(try DefinitionSamples.read(text(64)).output != nil)
        #expect(try DefinitionSamples.read(json(64)).output != nil)
        #expect(DefinitionSamples.faults(text(65)).allSatisfy { $0.hasSuffix("too_deep") })
        #expect(DefinitionSamples.faults(text(65)).count == 1)
        #expect(DefinitionSamples.faults(json(65)).count == 1)
        #expect(DefinitionSamples.faults(json(65)).allSatisfy { $0.hasSuffix("too_deep") })
    }

    @Test("aliases that multiply are stopped by the number of values they stand for")
    func billionLaughs() {
        var text = "name: a\nsteps: [{name: s, function: risk.score, with: {\n l0: &l0 [x, x, x, x, x, x, x, x, x, x]"
        for level in 1...9 {
            text +=
                ",\n l\(level): &l\(level) [" + Array(repeating: "*l\(level - 1)", count: 10).joined(separator: ", ")
                + "]"
        }
        let faults = DefinitionSamples.faults(text + "}}]")
        #expect(faults.count == 1 && faults.allSatisfy { $0.hasSuffix("too_large") }, "\(faults)")
    }

    @Test("aliases as keys of mappings are refused without being expanded")
    func laughingKeys() {
        var text = "name: a\nsteps: [{name: s, function: risk.score}]\nl0: &l0 [x, x]\n"
        for level in 1...40 { text += "l\(level): &l\(level) [*l\(level - 1), *l\(level - 1)]\n" }
        let faults = DefinitionSamples.faults(text + "? *l40\n: 1\n? *l40\n: 2\n")
        #expect(!faults.isEmpty)
    }

    @Test("100 aliases are read, 101 refused")
    func aliasCount() throws {
        func text(_ count: Int) -> String {
            "name: a\nsteps: [{name: s, function: risk.score}]\noutput: [&x 1, "
                + Array(repeating: "*x", count: count).joined(separator: ", ") + "]"
        }
        #expect(try DefinitionSamples.read(text(100)).output?.literal?.arrayValue?.count == 101)
        #expect(DefinitionSamples.faults(text(101)) == ["3:416 output[101] too_large"])
    }

    @Test("an alias to a deep value counts its depth")
    func aliasDepth() {
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        let text =
            Self.head + "[&d \(deep), " + String(repeating: "[", count: 30) + "*d" + String(repeating: "]", count: 31)
        #expect(DefinitionSamples.faults(text).allSatisfy { $0.hasSuffix("too_deep") })
        #expect(DefinitionSamples.faults(text).count == 1)
    }

    @Test("10,000 steps are read, 10,001 refused")
    func stepCount() throws {
        func text(_ count: Int) -> String {
            "name: a\nsteps:\n" + (0..<count).map { "- {name: s\($0), function: risk.score}\n" }.joined()
        }
        #expect(try DefinitionSamples.read(text(10_000)).steps.count == 10_000)
        #expect(DefinitionSamples.faults(text(10_001)) == ["3:1 steps too_large"])
    }

    @Test(
        "thousands of faults cost no more than the hundred that are kept", .timeLimit(.minutes(1)),
        arguments: [
            "function: risk.score, when: steps.bX.output", "function: risk.score, when: fX(1)", "function: risk.scorX",
            "function: risk.score, keX: 1", "function: risk.score, when: inputs.valuX > 1",
            "function: risk.score, when: steps.bX.output && stepz.aX",
        ])
    func manyFaults(_ line: String) {
        let steps = (0..<10_000).map { place in
            "- {name: a\(10_000 + place), \(line.replacing("X", with: "\(place)"))}\n"
        }
        let properties = (0..<5_000).map { "value\($0 + 50_000): {}" }.joined(separator: ", ")
        let inputs = "{type: object, additionalProperties: false, properties: {\(properties)}}"
        let source = "name: a\ninputs: \(inputs)\nsteps:\n" + steps.joined()
        #expect(throws: DefinitionError.self) {
            do throws(DefinitionError) { _ = try DefinitionSamples.read(source) } catch {
                #expect(error.faults.count == 100 && error.faultsOmitted >= 9_900)
                throw error
            }
        }
    }

    @Test("a function that is called another way is not suggested to itself")
    func wrongCalls() {
        func message(_ expression: String) -> String? {
            DefinitionSamples.messages("name: a\nsteps: [{name: s, function: risk.score, when: '\(expression)'}]").first
        }
        #expect(message("[1].map(1, 2)")?.hasPrefix("the first argument of 'map' is a name") == true)
        #expect(message("startsWith(1)")?.hasPrefix("'startsWith' is not called this way") == true)
        #expect(message("mao(1)") == "unknown function 'mao' in an expression; did you mean 'map'?")
    }

    @Test("repeated keys beyond those told apart still end in a fault")
    func repeatedKeys() {
        let text = Self.head + "1\n" + (0..<60).map { "k\($0): 1\nk\($0): 2\n" }.joined()
        #expect(DefinitionSamples.faults(text).contains { $0.hasSuffix("duplicate_key") })
        #expect(DefinitionSamples.faults(Self.head + "{\"\": 1, \"\": 2}").contains { $0.hasSuffix("duplicate_key") })
    }

    @Test("lists that stand twice as keys end in the same fault each time")
    func repeatedLists() {
        let text = "a: 1\na: 2\n? [x]\n: 1\n? [x]\n: 2\n? {y: 1}\n: 1\n? {y: 1}\n: 2\n"
        for _ in 0..<40 { #expect(DefinitionSamples.faults(text) == ["1:1  unsupported_yaml"]) }
    }

    @Test("texts with the signs that stand in for others are read as they are")
    func privateSigns() throws {
        let text = Self.head + "[\"\u{E000}*\u{E014}\", '*', &x y, *x, \u{E001}z]"
        #expect(try DefinitionSamples.read(text).output?.literal == ["\u{E000}*\u{E014}", "*", "y", "y", "\u{E001}z"])
    }

    @Test("invalid UTF-8 and control characters are refused", arguments: DefinitionFormat.allCases)
    func encoding(_ format: DefinitionFormat) {
        for bytes: [UInt8] in [
            [0xFF], [0x7B, 0xC3, 0x28], [0], Array("name: \u{1}".utf8), Array("{\"a\": \"\u{0}\"}".utf8),
        ] {
            #expect(throws: DefinitionError.self) {
                try DefinitionReader.read(bytes, format: format) { _ in .unchecked }
            }
        }
    }

    @Test("random texts and torn definitions end in a definition or in faults")
    func random() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("hostile definitions: seed \(seed)")
        var random = SplitMix(state: seed)
        let pieces = [
            "name: a", "\n", " ", "- ", "[", "]", "{", "}", ": ", "steps:", "&a ", "*a", "!!str ", "${{ ", " }}", "'",
            "\"", "|", ">", "\\", "#", ",", "? ", "inputs", ".", "1", "é", "\u{E000}", "---", "\t", "<<: ",
        ]
        for _ in 0..<400 {
            var text = ""
            if Bool.random(using: &random) {
                for _ in 0..<Int.random(in: 1...40, using: &random) {
                    text += pieces.randomElement(using: &random) ?? ""
                }
            } else {
                // A good definition with a piece torn out and another put in.
                var bytes = Array(DefinitionSamples.review.unicodeScalars)
                let place = Int.random(in: 0..<bytes.count, using: &random)
                let end = min(bytes.count, place + Int.random(in: 0...20, using: &random))
                let piece = pieces.randomElement(using: &random) ?? ""
                bytes.replaceSubrange(place..<end, with: Array(piece.unicodeScalars))
                text = String(String.UnicodeScalarView(bytes))
            }
            for format in DefinitionFormat.allCases {
                for fault in DefinitionSamples.faults(text, format) { #expect(!fault.hasPrefix("0:")) }
            }
        }
    }
}

/// A small seeded generator (S. Vigna, splitmix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
