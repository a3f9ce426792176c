import StepKit
import Testing

@testable import Document

@Suite struct DocumentRendererTests {
    private func render(
        _ template: String, _ data: StepValue = [:], format: DocumentRenderer.Format = .markdown,
        title: String? = nil
    ) throws -> String {
        try DocumentRenderer(template: template, format: format, title: title).render(data).text
    }

    private func failure(_ template: String, format: DocumentRenderer.Format = .markdown) -> RenderFailure? {
        do {
            _ = try render(template, format: format)
            return nil
        } catch {
            return error as? RenderFailure
        }
    }

    @Test("Markdown takes values as they are, HTML escapes them unless told not to")
    func escaping() throws {
        let data: StepValue = ["x": "<a & 'b' \"c\">", "s": ["y": "z"]]
        #expect(try render("{{x}}", data) == "<a & 'b' \"c\">")
        #expect(
            try render("{{x}} {{{x}}}", data, format: .html)
                == "&lt;a &amp; &#39;b&#39; &quot;c&quot;&gt; <a & 'b' \"c\">")
        #expect(try render("{{#s}}{{x}}{{/s}}", data) == "<a & 'b' \"c\">")
    }

    @Test("a list repeats its section, an empty one shows the inverted one")
    func lists() throws {
        let rows: StepValue = [["n": "a"], ["n": "b"]]
        #expect(try render("{{#rows}}\n- {{n}}\n{{/rows}}\n", ["rows": rows]) == "- a\n- b\n")
        #expect(try render("{{^rows}}none{{/rows}}", ["rows": []]) == "none")
        #expect(try render("{{#l}}{{.}},{{/l}}", ["l": ["a", 2]]) == "a,2,")
    }

    @Test("null prints nothing, opens no section and hides an outer value of its name")
    func null() throws {
        #expect(try render("[{{x}}]{{#x}}yes{{/x}}{{^x}}no{{/x}}", ["x": nil]) == "[]no")
        #expect(try render("{{#o}}[{{x}}]{{/o}}", ["x": "outer", "o": ["x": nil]]) == "[]")
        #expect(try render("[{{x.y}}]", ["x": nil]) == "[]")
    }

    @Test("a name that the data lacks prints nothing, an outer value is found from inside")
    func lookup() throws {
        #expect(try render("[{{x}}{{x.y}}]") == "[]")
        #expect(try render("{{#o}}{{x}}{{/o}}", ["x": "outer", "o": ["y": true]]) == "outer")
        #expect(try render("{{a.b}}", ["a": ["b": true]]) == "true")
    }

    @Test("numbers print as people write them", arguments: [
        (2.0, "2"), (-0.5, "-0.5"), (1e300, "1e+300"), (0.1, "0.1"), (17, "17"),
    ])
    func numbers(value: Double, text: String) throws {
        #expect(try render("{{n}}", ["n": .number(value)]) == text)
    }

    @Test("the transforms of numbers, lists and objects")
    func transforms() throws {
        let data: StepValue = [
            "n": 0.03197, "big": 1234.5678, "max": .integer(.max), "l": ["a", "b", "c"], "o": ["k": "v", "a": 1],
        ]
        #expect(try render("{{percent(n)}} {{rounded(big)}} {{rounded1(big)}} {{rounded2(big)}}", data)
            == "3.2 % 1235 1234.6 1234.57")
        #expect(try render("{{count(l)}}{{first(l)}}{{last(l)}}", data) == "3ac")
        #expect(try render("{{#entries(o)}}{{key}}={{value}};{{/entries(o)}}", data) == "a=1;k=v;")
        #expect(try render("[{{plusone(max)}}]", data) == "[]")
        #expect(try render("{{#l}}{{index()}}{{.}}{{^last()}},{{/last()}}{{/l}}", data) == "0a,1b,2c")
    }

    @Test("a rounded number is no other number, and a share neither nothing nor all that is not", arguments: [
        ("rounded(x)", .integer(9_007_199_254_740_993), "9007199254740993"),
        ("rounded1(x)", .integer(9_007_199_254_740_993), "9007199254740993"),
        ("rounded2(x)", .number(1e308), "1e+308"), ("rounded(x)", 2.5, "3"), ("rounded(x)", -2.5, "-3"),
        ("percent(x)", .number(1_999.0 / 2_000), "99.95 %"), ("percent(x)", .number(101.0 / 2_001), "5 %"),
        ("percent(x)", 0.0004, "0.04 %"), ("percent(x)", 1.0004, "100.04 %"), ("percent(x)", 1, "100 %"),
        ("percent(x)", 0, "0 %"), ("percent(x)", 0.0, "0 %"), ("percent(x)", .integer(.max), "922337203685477580700 %"),
        ("percent(x)", -0.00001, "-0.001 %"),
    ] as [(String, StepValue, String)])
    func rounding(expression: String, value: StepValue, text: String) throws {
        #expect(try render("{{\(expression)}}", ["x": value]) == text)
    }

    @Test("names of any language are found by their code points")
    func anyNames() throws {
        let data: StepValue = [
            "größe": 5, "名前": ["姓": "x"], "列": [["é": 1], ["e\u{301}": 2]], "a*b": "star", "a*41": "literal", "é": "no",
        ]
        #expect(try render("{{größe}} {{ 名前.姓 }} {{#名前}}{{姓}}{{/名前}} {{rounded(größe)}}", data) == "5 x x 5")
        #expect(try render("{{#列}}[{{é}}|{{e\u{301}}}]{{/列}}", ["列": data["列"] ?? nil]) == "[1|][|2]")
        #expect(try render("{{a*b}} {{a*41}} {{{größe}}} {{&größe}}", data) == "star literal 5 5")
        #expect(try render("{{=<% %>=}}<%größe%>", data) == "5")
        #expect(try render("{{! größe }}{{^größer}}none{{/größer}}", data) == "none")
        // What is no letter is no name.
        for wrong in ["{{a–b}}", "{{“x”}}", "{{😀}}"] { #expect(failure(wrong) != nil) }
    }

    @Test("0 and an empty text open a section; false, null and an empty list do not", arguments: [
        (0, "yes"), ("", "yes"), (false, "no"), (nil, "no"), ([], "no"),
    ] as [(StepValue, String)])
    func truth(value: StepValue, text: String) throws {
        #expect(try render("{{#x}}yes{{/x}}{{^x}}no{{/x}}", ["x": value]) == text)
    }

    @Test("an object or a list in a value's place prints JSON, keys in ascending order")
    func json() throws {
        let tree: StepValue = ["z": [true, nil, 1.5], "a": "q\"é"]
        #expect(try render("{{o}}", ["o": tree]) == "{\"a\":\"q\\\"é\",\"z\":[true,null,1.5]}")
        #expect(try render("{{o.z}}", ["o": tree]) == "[true,null,1.5]")
    }

    @Test("the title becomes a heading, or a page around the text")
    func title() throws {
        #expect(try render("x\n", title: "T") == "# T\n\nx\n")
        let page = try render("<p>x</p>", format: .html, title: "a < b")
        #expect(page.hasPrefix("<!doctype html>\n") && page.contains("<title>a &lt; b</title>"))
        #expect(page.contains("<body>\n<p>x</p>\n</body>"))
        #expect(try render("<p>x</p>", format: .html) == "<p>x</p>")
    }

    @Test("a fault of the template names its line, in both formats", arguments: DocumentRenderer.Format.allCases)
    func faults(format: DocumentRenderer.Format) {
        #expect(
            failure("a\nb\n{{#x}}\n{{/y}}", format: format)
                == RenderFailure(
                    code: .invalidTemplate, message: "line 4: the end tag does not name the section that is open"))
        #expect(failure("a\n{{x", format: format)?.message == "line 2: a tag is not closed")
        #expect(failure("{{x y}}", format: format)?.message.hasPrefix("line 1: ") == true)
        #expect(failure("{{#x}}\n\n", format: format)?.message == "line 3: a section is not closed")
        #expect(failure("{{/x}}", format: format)?.message.hasPrefix("line 1: ") == true)
        #expect(failure("{{%NAME:x}}", format: format)?.message == "line 1: an unknown pragma")
    }

    @Test("partials are refused where they stand, also behind other delimiters, and not in a comment")
    func partials() throws {
        #expect(failure("a\n{{> x}}")?.message == "line 2: partials are not available here")
        #expect(failure("{{=<% %>=}}\n<%< x%>")?.message == "line 2: partials are not available here")
        #expect(try render("{{! a > b {{ }}{{=| |=}}|x| {{> y}}", ["x": "1"]) == "1 {{> y}}")
    }

    @Test("sections nest 64 deep and no deeper")
    func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "{{#x}}", count: depth) + "y" + String(repeating: "{{/x}}", count: depth)
        }
        #expect(try render(nested(64), ["x": true]) == "y")
        #expect(failure(nested(65))?.message == "line 1: sections nest more than 64 deep")
        #expect(failure(String(repeating: "{{#x}}", count: 40_000))?.code == .invalidTemplate)
        #expect(
            failure("{{=| |=}}" + String(repeating: "|#x|", count: 60_000))?.message.contains("more than 64") == true)
    }

    @Test("a text beyond the limit is refused with its size; the template has a limit too")
    func limits() {
        let rows = StepValue.array(Array(repeating: true, count: 50))
        let template = "{{#r}}" + String(repeating: "x", count: 100_000) + "{{/r}}"
        #expect {
            try DocumentRenderer(template: template, format: .html, title: nil).render(["r": rows])
        } throws: { ($0 as? RenderFailure)?.code == .tooLarge }
        #expect(failure(String(repeating: "x", count: DocumentRenderer.templateBytesMax + 1))?.code == .invalidTemplate)
    }

    @Test("bytes are those of the text in UTF-8")
    func bytes() throws {
        let output = try DocumentRenderer(template: "né{{x}}", format: .html, title: nil).render(["x": "日"])
        #expect(output.bytes == 6 && output.text == "né日")
    }

    @Test("random templates never crash and give the same text twice")
    func fuzz() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let pieces = [
            "{{", "}}", "#", "^", "/", "$", "=", "%", "!", "&", "{", "}", "x", "y", "x.y", ".", " ", "\n", "\r\n", "|",
            "{{#x}}", "{{/x}}", "{{^y}}", "{{/y}}", "{{=| |=}}", "count(x)", "(", ")", "é", "{{$b}}", "{{/b}}",
            "CONTENT_TYPE:TEXT",
        ]
        let data = ["x": [["y": "v"]], "y": nil] as StepValue
        for _ in 0..<3_000 {
            let template = (0..<next(14)).map { _ in pieces[next(pieces.count)] }.joined()
            let renderer = DocumentRenderer(template: template, format: next(2) == 0 ? .html : .markdown, title: nil)
            let first = try? renderer.render(data)
            #expect(first == (try? renderer.render(data)), "seed \(seed): \(template)")
        }
    }
}
