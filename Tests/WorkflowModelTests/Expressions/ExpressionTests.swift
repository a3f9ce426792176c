import Testing
import WorkflowModel

@Suite("Expressions")
struct ExpressionTests {
    private let variables = Sample.scope([
        "inputs": ["csv": "a,b", "n": 3, "x": 2.5, "flag": true, "nothing": nil, "rules": [["id": 1], ["id": 2]]],
        "steps": ["a-b": ["output": ["size": 7]], "parse": ["output": ["profile": ["rows": 10]]]],
    ])

    private func value(_ source: String) throws -> JSONValue { try Expression(parsing: source).evaluate(variables) }

    private func code(_ source: String) -> ExpressionError.Code? {
        do throws(ExpressionError) {
            _ = try Expression(parsing: source).evaluate(variables)
            return nil
        } catch { return error.code }
    }

    @Test(
        "an expression has the value that CEL gives it",
        arguments: [
            ("inputs.n + 1 == 4 && size(inputs.rules) > 0", true),
            ("steps.parse.output.profile.rows * 2", 20),
            ("steps[\"a-b\"].output.size", 7),
            ("steps.`a-b`.output.size", 7),
            ("has(inputs.csv) && !has(inputs.missing)", true),
            ("has(inputs.nothing)", true),
            ("inputs.nothing == null", true),
            ("inputs.rules[1].id", 2),
            ("inputs.rules.map(r, r.id * 10)", [10, 20]),
            ("inputs.rules.filter(r, r.id > 1)", [["id": 2]]),
            ("inputs.rules.map(r, r.id > 1, r.id)", [2]),
            ("inputs.rules.exists(r, r.id == 2)", true),
            ("inputs.rules.all(r, r.id > 1)", false),
            ("inputs.rules.exists_one(r, r.id == 2)", true),
            ("[1, 2].map(x, [3, 4].map(y, x * y))", [[3, 4], [6, 8]]),
            ("inputs.flag ? 'yes' : 'no'", "yes"),
            ("'csv' in inputs", true),
            ("2 in [1, 2.0, 3]", true),
            ("1 < 1.5 && 2.5 > 2", true),
            ("double(inputs.n) * inputs.x", 7.5),
            ("int('42') + int(2.9)", 44),
            ("string(1) + string(true) + string(1.5)", "1true1.5"),
            ("bool('true')", true),
            ("'häuser'.size()", 6),
            ("'abc'.startsWith('ab') && 'abc'.endsWith('bc') && 'abc'.contains('b')", true),
            ("'e\\u0301' == '\\u00e9'", false),
            ("r'\\n' == '\\\\n'", true),
            ("'''a\n'b' ''' + \"\"\"c\"\"\"", "a\n'b' c"),
            ("'2026-11'.matches('^[0-9]{4}-[0-9]{2}$') && !matches('x', 'y')", true),
            ("[1] + [2]", [1, 2]),
            ("{'a': {'b': 1}}.a.b", 1),
            ("1 + 2 * 3 - 4 / 2 % 3", 5),
            ("-9223372036854775808", .int(.min)),
            ("0xFF", 255),
            (".5 + 1e1", 10.5),
            ("7 // a comment", 7),
            ("x || true", true),
            ("false && (1 / 0 > 1)", false),
            ("(1 / 0 > 1) || true", true),
            ("{1: 'a'}[1]", "a"),
            ("dyn(1) == 1", true),
        ] as [(String, JSONValue)])
    func values(_ source: String, _ expected: JSONValue) throws {
        let result = try value(source)
        #expect(result == expected)
        #expect(result.typeName == expected.typeName)
    }

    @Test(
        "an expression without a value says so",
        arguments: [
            "inputs.missing", "nothing.at.all", "1 + 1.5", "9223372036854775807 + 1", "1 / 0", "1 % 0",
            "-inputs.csv", "inputs.csv.size2", "inputs.rules[2]", "inputs.rules['a']", "1 && true", "'a' < 1",
            "size(1)", "int('1.5')", "int(1e30)", "f(1)", "[1].all(x, x)", "{'a': 1, 'a': 2}", "{1.5: 2}",
            "{1: 2}", "true ? 1 / 0 : 2", "inputs.n ? 1 : 2", "inputs.rules.map(r, r.missing)", "1 in 2",
            "'a'.matches('(')",
        ])
    func failures(_ source: String) { #expect(code(source) == .evaluation) }

    @Test(
        "what is no expression is refused with its place",
        arguments: [
            ("", 0), ("1 +", 3), ("1 2", 2), ("(1", 2), ("'abc", 0), ("a.", 2), ("a = b", 2), ("a & b", 2),
            ("${{ a }}", 0), ("'\\q'", 1), ("'\\ud800'", 1), ("1a", 1), ("9223372036854775808", 0), ("if", 0),
            ("has(a)", 0), ("size()", 0), ("a ? b", 5), ("[1, 2", 5), ("a.b c", 4), ("1e999", 0), ("'a\nb'", 0),
            ("é", 0), ("a.true", 2), ("[1].map(in, 1)", 8), ("a.startsWith('x', 'y')", 2),
        ])
    func syntaxErrors(_ source: String, _ offset: Int) throws {
        let error = #expect(throws: ExpressionError.self) { try Expression(parsing: source) }
        #expect(error?.code == .syntax)
        #expect(error?.offset == offset)
    }

    @Test("CEL's bytes and unsigned integers are named as not supported", arguments: ["1u", "b'abc'", "br'x'", "a{}"])
    func unsupported(_ source: String) { #expect(code(source) == .unsupported) }

    @Test("a source of 4 KiB is read, one byte more is refused")
    func sourceLimit() throws {
        let longest = "'" + String(repeating: "x", count: 4094) + "'"
        #expect(try value(longest).stringValue?.utf8.count == 4094)
        #expect(code(longest + " ") == .limit)
    }

    @Test("nesting is limited, in whatever form it comes", arguments: ["(", "[", "{1:", "a[", "f(", "-(", "1+("])
    func nestingLimit(_ opening: String) {
        #expect(code(String(repeating: opening, count: 4096 / opening.utf8.count)) == .limit)
    }

    @Test(
        "a chain as long as the source allows neither crashes nor hangs",
        arguments: ["1+", "!", "a.", "a[0]+", "1?1:", "a&&", "[1]+"])
    func longChains(_ link: String) {
        let source = String(repeating: link, count: 4000 / link.utf8.count) + "1"
        #expect(throws: ExpressionError.self) { try Expression(parsing: source).evaluate(variables) }
    }

    @Test("an evaluation ends at 10,000 steps, also inside a logical operator that absorbs errors")
    func stepLimit() {
        let list = "[0,1,2,3,4,5,6,7,8,9]"
        let loops = "\(list).map(a, \(list).map(b, \(list).map(c, \(list).map(d, a + b + c + d))))"
        #expect(code(loops) == .limit)
        #expect(code("size(\(loops)) > 0 || true") == .limit)
        #expect(code("\(list).exists(x, size(\(loops)) > 0)") == .limit)
    }

    @Test("the size of what an operation touches counts as steps")
    func sizeLimit() throws {
        let big = JSONObject([
            ("l", .array(Array(repeating: 1, count: 1_000_000))),
            ("s", .string(String(repeating: "x", count: 4 << 20))),
        ])
        for source in [
            "l + l", "2 in l", "l == l + [1]", "s + s + s + s", "[1,2,3].map(x, s == s)", "s.matches('(x+x+)+y')",
        ] {
            let error = #expect(throws: ExpressionError.self, "\(source)") {
                try Expression(parsing: source).evaluate(big)
            }
            #expect(error?.code == .limit, "\(source)")
        }
        #expect(try Expression(parsing: "size(l)").evaluate(big) == 1_000_000)
        #expect(try Expression(parsing: "l[999999]").evaluate(big) == 1)
    }

    @Test("references name the root variables with their constant fields, not what a macro binds")
    func references() throws {
        let expression = try Expression(
            parsing: "steps.parse.output.profile.rows > 1 && has(steps['a-b'].error) "
                + "&& inputs.rules.all(r, r.id in inputs.ids[r.n].x)")
        #expect(
            expression.references.map(\.path) == [
                ["steps", "parse", "output", "profile", "rows"], ["steps", "a-b", "error"], ["inputs", "rules"],
                ["inputs", "ids"],
            ])
        #expect(expression.references.map(\.offset) == [0, 43, 66, 94])
        #expect(expression.references.map(\.continuesDynamically) == [false, false, false, true])
    }

    @Test("a call of an unknown function is known before evaluation")
    func unknownFunctions() throws {
        let expression = try Expression(parsing: "true || siez(inputs.a.toUpper())")
        #expect(expression.unknownFunctions.map(\.name) == ["siez", "toUpper"])
        #expect(expression.references.map(\.path) == [["inputs", "a"]])
    }

    @Test("a macro's variable hides a root variable of its name")
    func shadowing() throws {
        #expect(try value("[5].map(inputs, inputs + 1)") == [6])
        #expect(try value("[5].map(inputs, inputs + .inputs.n)") == [8])
        #expect(try Expression(parsing: "[5].map(inputs, inputs + 1)").references.isEmpty)
    }
}

enum Sample {
    /// The members of an object literal.
    static func scope(_ value: JSONValue) -> JSONObject { value.objectValue ?? JSONObject() }
}
