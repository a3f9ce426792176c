import Testing
import WorkflowModel

@Suite("Value templates")
struct ValueTemplateTests {
    private let variables = Sample.scope([
        "inputs": ["csv": "a,b", "n": 3, "list": [1, "x", nil], "o": ["k": 1.5]]
    ])

    private func evaluate(_ json: JSONValue) throws -> JSONValue { try ValueTemplate(json).evaluate(variables) }

    @Test(
        "a template gives the value of its expressions",
        arguments: [
            ("${{ inputs.list }}", [1, "x", nil]),
            ("${{inputs.n}}", 3),
            ("${{ inputs.n }} rows", "3 rows"),
            ("${{ inputs.csv }}${{ inputs.csv }}", "a,ba,b"),
            (
                "list: ${{ inputs.list }}, object: ${{ inputs.o }}, ${{ null }}",
                "list: [1,\"x\",null], object: {\"k\":1.5}, null"
            ),
            (" ${{ inputs.n }}", " 3"),
            ("${{ '}}' + \"}}\" }}", "}}}}"),
            ("${{ {'a': {'b': 1}} }}", ["a": ["b": 1]]),
            ("${{{'a': {'b': 1}}}}", ["a": ["b": 1]]),
            ("$${{ inputs.n }}", "${{ inputs.n }}"),
            ("costs $5, ${{ '$' }}{{ }}", "costs $5, ${{ }}"),
            ("a } b }} c", "a } b }} c"),
            ("plain", "plain"),
            ("häuser ${{ 'ü' }}", "häuser ü"),
            (
                ["a": "${{ inputs.n }}", "b": [true, "${{ inputs.csv }}"], "c": nil],
                ["a": 3, "b": [true, "a,b"], "c": nil]
            ),
        ] as [(JSONValue, JSONValue)])
    func values(_ template: JSONValue, _ expected: JSONValue) throws {
        #expect(try evaluate(template) == expected)
    }

    @Test("a template keeps the order of its keys")
    func order() throws {
        #expect(try evaluate(["z": "${{ 1 }}", "a": 2, "m": "${{ 3 }}"]).encodedText == #"{"z":1,"a":2,"m":3}"#)
    }

    @Test("a template without expressions is one literal")
    func literal() throws {
        let json: JSONValue = ["a": [1, "x", ["b": nil]]]
        #expect(try ValueTemplate(json).literal == json)
        #expect(try ValueTemplate(["a": "${{ 1 }}"]).literal == nil)
    }

    @Test(
        "a broken expression is refused with its place in the string",
        arguments: [("ab ${{ 1 + }}", 10), ("x ${{ 1", 2), ("${{ }}", 3), ("ä ${{ 'abc }}", 7), ("${{ 1 } }}", 6)])
    func syntax(_ text: String, _ offset: Int) {
        let error = #expect(throws: ExpressionError.self) { try ValueTemplate(.string(text)) }
        #expect(error?.offset == offset)
    }

    @Test("an error of evaluation names its place in the template")
    func place() throws {
        let template = try ValueTemplate(["a": ["b": [1, "${{ inputs.missing }}"]]])
        let error = #expect(throws: ExpressionError.self) { try template.evaluate(variables) }
        #expect(error?.message == "a.b[1]: inputs has no 'missing' in ${{ inputs.missing }}")
    }

    @Test(
        "a number that JSON cannot write is refused",
        arguments: ["${{ 1.0 / 0.0 }}", "${{ [0.0 / 0.0] }}", "${{ double('inf') }}"])
    func notFinite(_ text: String) throws {
        #expect(throws: ExpressionError.self) { try evaluate(.string(text)) }
    }

    @Test("a result larger than its limit is refused before it is written, as text and as a tree")
    func sizeLimit() throws {
        let big = JSONObject([("s", .string(String(repeating: "x", count: 1 << 20)))])
        let text = try ValueTemplate(.string(String(repeating: "${{ s }}", count: 5)))
        let tree = try ValueTemplate(.array(Array(repeating: "${{ [s] }}", count: 5)))
        for template in [text, tree] {
            let error = #expect(throws: ExpressionError.self) { try template.evaluate(big) }
            #expect(error?.code == .limit)
        }
        #expect(try ValueTemplate(["${{ s }}", "${{ s }}"]).evaluate(big).arrayValue?.count == 2)
    }
}
