import Testing
import WorkflowModel

@Suite("JSON Schema")
struct JSONSchemaTests {
    private struct Case: CustomTestStringConvertible, Sendable {
        let keyword: String
        let schema: String
        let valid: [String]
        let invalid: [String]
        var testDescription: String { schema }
    }

    private static let cases: [Case] = [
        Case(
            keyword: "type", schema: #"{"type":"integer"}"#, valid: ["1", "1.0", "1e300"],
            invalid: ["1.5", "\"1\"", "null"]),
        Case(
            keyword: "type", schema: #"{"type":["null","number"]}"#, valid: ["null", "1", "1.5"],
            invalid: ["true", "[]"]),
        Case(
            keyword: "enum", schema: #"{"enum":[1,"a",{"b":[1]}]}"#, valid: ["1.0", "\"a\"", #"{"b":[1.0]}"#],
            invalid: ["2", "true", "{}"]),
        Case(keyword: "const", schema: #"{"const":false}"#, valid: ["false"], invalid: ["0", "null", "[]"]),
        Case(
            keyword: "minimum", schema: #"{"minimum":9007199254740993}"#, valid: ["9007199254740993", "1e300"],
            invalid: ["9007199254740992", "9007199254740992.0"]),
        Case(keyword: "maximum", schema: #"{"maximum":1.5}"#, valid: ["1", "1.5", "\"9\""], invalid: ["2", "1.6"]),
        Case(
            keyword: "exclusiveMinimum", schema: #"{"exclusiveMinimum":0}"#, valid: ["0.1", "1"],
            invalid: ["0", "0.0", "-1"]),
        Case(
            keyword: "exclusiveMaximum", schema: #"{"exclusiveMaximum":-1}"#, valid: ["-1.5", "-2"],
            invalid: ["-1", "-1.0", "0"]),
        Case(
            keyword: "multipleOf", schema: #"{"multipleOf":0.01}"#, valid: ["19.99", "4.35", "0", "-0.07", "1e300"],
            invalid: ["19.995", "0.001"]),
        Case(
            keyword: "multipleOf", schema: #"{"multipleOf":3}"#, valid: ["9", "-3", "3e2"],
            invalid: ["10", "1e17", "4.5"]),
        Case(
            keyword: "minLength", schema: #"{"minLength":2}"#, valid: ["\"ab\"", "\"e\u{301}\"", "1"],
            invalid: ["\"a\"", "\"😀\""]),
        Case(keyword: "maxLength", schema: #"{"maxLength":2}"#, valid: ["\"😀😀\"", "\"\""], invalid: ["\"abc\""]),
        Case(
            keyword: "pattern", schema: #"{"pattern":"^[a-z]+$"}"#, valid: ["\"abc\"", "1"],
            invalid: ["\"aBc\"", "\"\""]),
        Case(
            keyword: "format", schema: #"{"format":"date-time"}"#, valid: ["\"2026-01-05T10:00:00+02:00\""],
            invalid: ["\"2026-02-30T10:00:00Z\"", "\"2026\""]),
        Case(
            keyword: "format", schema: #"{"format":"uri"}"#, valid: ["\"https://[::1]:80/a?b#c\"", "\"urn:x:y\""],
            invalid: ["\"/a\"", "\"http://[::1/\""]),
        Case(
            keyword: "format", schema: #"{"format":"email"}"#, valid: ["\"a.b@example.com\""],
            invalid: ["\"a@b@c\"", "\"a@-b.c\"", "\"é@b.c\""]),
        Case(
            keyword: "format", schema: #"{"format":"uuid"}"#, valid: ["\"2EB8AA08-aa98-11ea-b4aa-73b441d16380\""],
            invalid: ["\"2eb8aa08aa9811eab4aa73b441d16380\""]),
        Case(keyword: "minItems", schema: #"{"minItems":1}"#, valid: ["[1]", "{}"], invalid: ["[]"]),
        Case(keyword: "maxItems", schema: #"{"maxItems":1.0}"#, valid: ["[1]"], invalid: ["[1,2]"]),
        Case(
            keyword: "uniqueItems", schema: #"{"uniqueItems":true}"#, valid: ["[1,true,\"1\",[1],[true]]", "[]"],
            invalid: ["[1,1.0]", #"[{"a":1,"b":2},{"b":2,"a":1}]"#]),
        Case(
            keyword: "items", schema: #"{"prefixItems":[{"type":"string"}],"items":false}"#, valid: ["[\"a\"]", "[]"],
            invalid: ["[\"a\",1]"]),
        Case(keyword: "contains", schema: #"{"contains":{"const":1}}"#, valid: ["[0,1]"], invalid: ["[]", "[0]"]),
        Case(
            keyword: "minContains", schema: #"{"contains":{"const":1},"minContains":2}"#, valid: ["[1,1]"],
            invalid: ["[1]"]),
        Case(
            keyword: "maxContains", schema: #"{"contains":{"const":1},"minContains":0,"maxContains":1}"#,
            valid: ["[]", "[1]"], invalid: ["[1,1]"]),
        Case(keyword: "minProperties", schema: #"{"minProperties":1}"#, valid: [#"{"a":1}"#], invalid: ["{}"]),
        Case(keyword: "maxProperties", schema: #"{"maxProperties":0}"#, valid: ["{}"], invalid: [#"{"a":1}"#]),
        Case(keyword: "required", schema: #"{"required":["a"]}"#, valid: [#"{"a":null}"#, "[]"], invalid: ["{}"]),
        Case(
            keyword: "dependentRequired", schema: #"{"dependentRequired":{"a":["b"]}}"#,
            valid: ["{}", #"{"a":1,"b":1}"#], invalid: [#"{"a":1}"#]),
        Case(
            keyword: "required", schema: #"{"dependentSchemas":{"a":{"required":["b"]}}}"#,
            valid: ["{}", #"{"a":1,"b":1}"#], invalid: [#"{"a":1}"#]),
        Case(
            keyword: "additionalProperties",
            schema: #"{"properties":{"a":true},"patternProperties":{"^x":true},"additionalProperties":false}"#,
            valid: [#"{"a":1,"x1":1}"#], invalid: [#"{"b":1}"#]),
        Case(keyword: "properties", schema: #"{"properties":{"a":false}}"#, valid: ["{}"], invalid: [#"{"a":1}"#]),
        Case(
            keyword: "maxLength", schema: #"{"propertyNames":{"maxLength":1}}"#, valid: [#"{"a":1}"#],
            invalid: [#"{"ab":1}"#]),
        Case(
            keyword: "anyOf", schema: #"{"anyOf":[{"type":"string"},{"minimum":2}]}"#, valid: ["\"a\"", "2"],
            invalid: ["1"]),
        Case(
            keyword: "oneOf", schema: #"{"oneOf":[{"multipleOf":2},{"multipleOf":3}]}"#, valid: ["2", "3"],
            invalid: ["6", "1"]),
        Case(keyword: "not", schema: #"{"not":{"type":"null"}}"#, valid: ["1"], invalid: ["null"]),
        Case(
            keyword: "required",
            schema: #"{"if":{"properties":{"a":{"const":1}}},"then":{"required":["b"]},"else":{"required":["c"]}}"#,
            valid: [#"{"a":1,"b":1}"#, #"{"a":2,"c":1}"#], invalid: [#"{"a":1,"c":1}"#, #"{"a":2,"b":1}"#]),
        Case(
            keyword: "type", schema: ##"{"$ref":"#/$defs/a~1b%25","$defs":{"a/b%":{"type":"string"}}}"##,
            valid: ["\"a\""], invalid: ["1"]),
        Case(
            keyword: "type", schema: ##"{"$ref":"#text","$defs":{"x":{"$anchor":"text","type":"string"}}}"##,
            valid: ["\"a\""], invalid: ["1"]),
        Case(
            keyword: "type",
            schema:
                ##"{"$id":"https://example.com/a/b","$ref":"../c#/definitions/d","$defs":{"x":{"$id":"/c","definitions":{"d":{"type":"string"}}}}}"##,
            valid: ["\"a\""], invalid: ["1"]),
        Case(
            keyword: "type", schema: ##"{"type":"array","items":{"$ref":"#"}}"##, valid: ["[[],[[]]]"],
            invalid: ["[[1]]"]),
        Case(
            keyword: "$ref", schema: ##"{"properties":{"a":{"$ref":"#/$defs/no"}},"$defs":{"no":false}}"##,
            valid: ["{}"], invalid: [#"{"a":1}"#]),
        Case(keyword: "", schema: "false", valid: [], invalid: ["1", "null"]),
        Case(
            keyword: "", schema: #"{"format":"colour","x-unknown":{"type":3},"examples":[{"$ref":"nowhere"}]}"#,
            valid: ["1", "\"a\""], invalid: []),
    ]

    @Test("each keyword accepts and refuses what it says", arguments: cases)
    private func keywords(_ example: Case) throws {
        let schema = try JSONSchema(try JSONValue(parsing: example.schema))
        for text in example.valid {
            #expect(schema.violations(of: try JSONValue(parsing: text)) == [], "\(text)")
        }
        for text in example.invalid {
            let found = schema.violations(of: try JSONValue(parsing: text))
            #expect(found.map(\.keyword) == [example.keyword], "\(text)")
        }
    }

    @Test("all violations are told at once, each with the path of its value")
    func violations() throws {
        let schema = try JSONSchema([
            "required": ["name", "csv"], "additionalProperties": false,
            "properties": [
                "name": ["type": "string", "maxLength": 3, "pattern": "^x"], "csv": true,
                "a/b": ["items": ["type": "integer"]],
            ],
        ])
        let found = schema.violations(of: ["name": "wrong", "a/b": [1, "2", nil], "more~": 1])
        #expect(
            Set(found.map { "\($0.path) \($0.keyword)" }) == [
                " required", "/name maxLength", "/name pattern", "/a~1b/1 type", "/a~1b/2 type",
                "/more~0 additionalProperties",
            ])
        #expect(found.contains { $0.message == "\"csv\" is required" })
    }

    @Test("no alternative fitting names the nearest one")
    func nearest() throws {
        let schema = try JSONSchema([
            "anyOf": [
                ["required": ["x", "y", "z"]], ["properties": ["a": ["properties": ["b": ["type": "string"]]]]],
            ]
        ])
        let found = schema.violations(of: ["a": ["b": 1]])
        #expect(found.count == 1)
        #expect(found.first?.message == "fits none of the 2 alternatives; nearest: /a/b must be string")
    }

    @Test("all faults of a schema are told at once, each with the path of its part")
    func faults() throws {
        let document: JSONValue = [
            "type": ["string", "text"], "properties": ["a": 1, "b": ["pattern": "("], "c": ["$ref": "#/$defs/none"]],
            "$defs": ["unused": ["minimum": "1"], "remote": ["$ref": "https://example.com/x"]],
            "patternProperties": ["[": true], "required": ["a", "a"], "enum": 1, "minLength": -1, "maxItems": 1.5,
            "multipleOf": 0, "allOf": [], "items": [], "uniqueItems": 1, "format": 1, "dependentRequired": ["a": 1],
            "unevaluatedProperties": false, "$id": "x#y", "then": 1,
        ]
        let error = try #require(throws: JSONSchemaError.self) { try JSONSchema(document) }
        #expect(
            Set(error.faults.map { "\($0.path) \($0.keyword)" }) == [
                "/type type", "/properties/a ", "/properties/b/pattern pattern", "/properties/c/$ref $ref",
                "/$defs/unused/minimum minimum", "/$defs/remote/$ref $ref", "/patternProperties/[ patternProperties",
                "/required required", "/enum enum", "/minLength minLength", "/maxItems maxItems",
                "/multipleOf multipleOf", "/allOf allOf", "/items ", "/uniqueItems uniqueItems", "/format format",
                "/dependentRequired/a dependentRequired", "/unevaluatedProperties unevaluatedProperties", "/$id $id",
                "/then ",
            ])
    }

    @Test("one long name above many schemas makes neither long faults nor gigabytes of them")
    func longNames() throws {
        func document(under name: String, count: Int) -> JSONValue {
            var parts = JSONObject()
            for number in 0..<count { parts["p\(number)"] = ["minLength": -1] }
            let inner: JSONValue = ["properties": .object(parts)]
            return ["properties": .object(JSONObject([(name, inner)]))]
        }
        let long = String(repeating: "n", count: 100_000)
        let few = try #require(throws: JSONSchemaError.self) { try JSONSchema(document(under: long, count: 50)) }
        #expect(few.faults.count == 50 && few.faults.allSatisfy { $0.path.utf8.count <= 1024 })
        let many = try #require(throws: JSONSchemaError.self) { try JSONSchema(document(under: long, count: 2_000)) }
        #expect(many.faults.map(\.keyword) == ["$limit"])
        #expect(try #require(many.faults.first).message.contains("use shorter names"))
    }

    @Test(
        "a schema that applies itself to the same value without end is refused",
        arguments: [
            ##"{"$ref":"#"}"##, ##"{"allOf":[{"not":{"$ref":"#"}}]}"##,
            ##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"if":{"$ref":"#/$defs/a"}}}}"##,
        ])
    func loops(_ text: String) throws {
        let document = try JSONValue(parsing: text)
        let error = try #require(throws: JSONSchemaError.self) { try JSONSchema(document) }
        #expect(error.faults.contains { $0.message.contains("without end") })
    }

    @Test("work that doubles with each level is cut short and said")
    func exponentialWork() throws {
        var definitions = JSONObject()
        definitions["n0"] = ["type": "string"]
        for level in 1...60 {
            let next: JSONValue = ["$ref": .string("#/$defs/n\(level - 1)")]
            definitions["n\(level)"] = ["allOf": [["anyOf": [next, next]], next]]
        }
        let schema = try JSONSchema(["$ref": "#/$defs/n60", "$defs": .object(definitions)])
        #expect(schema.violations(of: "x", stepsMax: 50_000).map(\.keyword) == ["$limit"])
        let negated = try JSONSchema(["not": ["$ref": "#/$defs/n60"], "$defs": .object(definitions)])
        #expect(negated.violations(of: "x", stepsMax: 50_000).map(\.keyword) == ["$limit"])
    }

    @Test("the default bound lets large values through, a small one cuts them")
    func steps() throws {
        let many = JSONValue.array((0..<1000).map { .int($0) })
        let schema = try JSONSchema(["items": ["type": "integer"]])
        #expect(schema.violations(of: many) == [])
        #expect(schema.violations(of: many, stepsMax: 1001) == [])
        #expect(schema.violations(of: many, stepsMax: 1000).map(\.keyword) == ["$limit"])
    }

    @Test("comparing, measuring and looking up cost by what they read")
    func cost() throws {
        let text = JSONValue.string(String(repeating: "x", count: 32_000))
        let texts = JSONValue.array(Array(repeating: text, count: 10))
        let names = JSONValue.array((0..<1_000).map { .string("k\($0)") })
        let objects = JSONValue.array(Array(repeating: .object(JSONObject()), count: 10))
        let schemas: [(JSONValue, JSONValue)] = [
            (["const": text], texts), (["enum": [text]], texts), (["maxLength": 32_000], texts),
            (["minLength": 32_000], texts), (["not": ["format": "email"]], texts),
            (["not": ["required": names]], objects),
        ]
        for (items, value) in schemas {
            let schema = try JSONSchema(["items": items])
            #expect(schema.violations(of: value, stepsMax: 11_000) == [], "\(items)")
            #expect(schema.violations(of: value, stepsMax: 9_000).map(\.keyword) == ["$limit"])
        }
        let unique = try JSONSchema(["uniqueItems": true])
        #expect(unique.violations(of: [text], stepsMax: 500).map(\.keyword) == ["$limit"])
    }

    @Test("each property of a class in a pattern costs, since each is looked up")
    func patternCost() throws {
        let text = JSONValue.string(String(repeating: "1", count: 1_000))
        let one = try JSONSchema(["pattern": "^[\\p{L}\\d]+$"])
        #expect(one.violations(of: text, stepsMax: 12_000) == [])
        let names = ["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nl"].map { "\\p{\($0)}" }.joined()
        let many = try JSONSchema(["pattern": .string("^[\(names)\\d]+$")])
        #expect(many.violations(of: text, stepsMax: 12_000).map(\.keyword) == ["$limit"])
        #expect(many.violations(of: text, stepsMax: 24_000) == [])
    }

    @Test("nesting beyond the bound is said, also inside not")
    func deepValues() throws {
        var value: JSONValue = 1
        for _ in 0..<2000 { value = [value] }
        let schema = try JSONSchema(["items": ["$ref": "#"]])
        #expect(schema.violations(of: value).map(\.keyword) == ["$limit"])
        let negated = try JSONSchema(["not": ["$ref": "#/$defs/a"], "$defs": ["a": ["items": ["$ref": "#/$defs/a"]]]])
        #expect(negated.violations(of: value).map(\.keyword) == ["$limit"])
    }

    @Test("many elements, many violations and many equal-looking texts stay within bounds")
    func manyElements() throws {
        let many = JSONValue.array((0..<50_000).map { .int($0) })
        #expect(try JSONSchema(["items": ["type": "integer"], "uniqueItems": true]).violations(of: many) == [])
        #expect(try JSONSchema(["items": ["type": "string"]]).violations(of: many).count == 1000)
        // 2¹² spellings that are canonically equivalent, which Swift's strings would all hash alike.
        let spellings = JSONValue.array(
            (0..<4096).map { bits in
                .string((0..<12).map { bits >> $0 & 1 == 0 ? "\u{E9}" : "e\u{301}" }.joined())
            })
        #expect(try JSONSchema(["uniqueItems": true]).violations(of: spellings) == [])
    }
}
