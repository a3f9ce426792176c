import Testing
import WorkflowModel

@Suite("Reading definitions")
struct DefinitionReaderTests {
    @Test(
        "the design's example is read from YAML and JSON alike",
        arguments: [DefinitionSamples.review, DefinitionSamples.reviewJSON])
    func example(_ text: String) throws {
        let definition = try DefinitionSamples.read(text)
        #expect(definition.name == "dataset-review")
        #expect(definition.deliverableType == "data_quality_report")
        #expect(definition.inputs?.document["required"] == ["csv"])
        #expect(definition.steps.map(\.name) == ["parse", "score", "report"])
        #expect(definition.steps.map(\.action.description) == ["tabular.parse", "risk.score", "document.render"])
        let parse = definition.steps[0]
        #expect(parse.timeout == .seconds(30))
        #expect(
            parse.retry
                == RetryPolicy(
                    attemptsMax: 3, initialInterval: .milliseconds(200), multiplier: 2, maxInterval: .seconds(10),
                    jitter: .full, nonRetryable: ["invalid_input"]))
        #expect(definition.steps[1].retry.attemptsMax == 1)
        #expect(definition.steps[1].timeout == StepDefinition.timeoutDefault)
        #expect(definition.steps[2].onFailure == .fail)

        let variables = Sample.scope([
            "inputs": ["csv": "a,b", "rules": [1]],
            "steps": ["parse": ["output": ["profile": ["rows": 2]]], "report": ["output": "# Report"]],
        ])
        #expect(try parse.input.evaluate(variables) == ["text": "a,b"])
        #expect(try definition.steps[1].when?.evaluate(variables) == true)
        #expect(try definition.steps[1].input.evaluate(variables) == ["profile": ["rows": 2], "rules": [1]])
        #expect(
            try definition.steps[2].input.evaluate(variables) == ["template": "…", "data": ["profile": ["rows": 2]]])
        #expect(try definition.output?.evaluate(variables) == "# Report")
    }

    @Test("the shortest definition is a name and a step; the rest has defaults")
    func shortest() throws {
        let definition = try DefinitionSamples.read("name: a\nsteps: [{name: s, function: risk.score}]")
        #expect(definition.deliverableType == "a")
        #expect(definition.inputs == nil && definition.output == nil && definition.risk == nil)
        #expect(definition.steps[0].input.literal == [:])
        #expect(definition.steps[0].onFailure == .fail)
    }

    @Test("risk is a number or an expression over every step")
    func risk() throws {
        let head = "name: a\nsteps: [{name: s, function: risk.score}]\nrisk: "
        #expect(try DefinitionSamples.read(head + "40").risk?.literal == 40)
        let risk = try #require(try DefinitionSamples.read(head + "\"${{ steps.s.output.risk }}\"").risk)
        #expect(try risk.evaluate(Sample.scope(["steps": ["s": ["output": ["risk": 12.5]]]])) == 12.5)
    }

    @Test("with may be one expression that gives the whole input")
    func wholeInput() throws {
        let definition = try DefinitionSamples.read(
            "name: a\nsteps:\n- {name: s, function: risk.score}\n- {name: t, function: risk.score, with: '${{ steps.s.output }}'}"
        )
        #expect(
            try definition.steps[1].input.evaluate(Sample.scope(["steps": ["s": ["output": ["k": 1]]]])) == ["k": 1])
    }

    @Test("plain YAML scalars mean what the core schema of YAML 1.2 says")
    func coreSchema() throws {
        let text = """
            name: a
            steps:
            - name: s
              function: risk.score
              with:
                texts: [yes, no, on, off, 1_000, 0b1, 12:30, 2026-01-01, "1", '~', 1.2.3, 0o9, !!str 5, +, .]
                nulls: [null, ~, Null, NULL, ]
                empty:
                booleans: [true, True, TRUE, false, !!bool "true"]
                integers: [0, -7, +7, 007, 0o17, 0xff, !!int "3"]
                numbers: [1.5, -.5, 1., 1e3, 1.e-3, +1.0E+2, 123456789012345678901234567890.0, !!float 2]
                text: |
                  a * b
                  **c**
                folded: >-
                  x
                  y
                '*key*': "*value*"
            """
        let input = try #require(try DefinitionSamples.read(text).steps[0].input.literal)
        #expect(
            input["texts"] == [
                "yes", "no", "on", "off", "1_000", "0b1", "12:30", "2026-01-01", "1", "~", "1.2.3", "0o9", "5", "+",
                ".",
            ])
        #expect(input["nulls"] == [nil, nil, nil, nil])
        #expect(input["empty"] == .some(nil))
        #expect(input["booleans"] == [true, true, true, false, true])
        #expect(input["integers"] == [0, -7, 7, 7, 15, 255, 3])
        #expect(input["numbers"] == [1.5, -0.5, 1.0, 1000.0, 0.001, 100.0, 1.2345678901234568e29, 2])
        #expect(input["text"] == "a * b\n**c**\n")
        #expect(input["folded"] == "x y")
        #expect(input["*key*"] == "*value*")
    }

    @Test("keys are told apart by their code points", arguments: [("é", "e\u{301}"), ("\u{212B}", "\u{C5}")])
    func exactKeys(left: String, right: String) throws {
        let members = "{\"\(left)\": 1, \"\(right)\": 2}"
        for text in [
            "{\"name\": \"a\", \"steps\": [{\"name\": \"s\", \"function\": \"risk.score\", \"with\": \(members)}]}",
            "name: a\nsteps: [{name: s, function: risk.score, with: \(members)}]",
        ] {
            let input = try #require(try DefinitionSamples.read(text).steps[0].input.literal)
            #expect(input.objectValue?.count == 2 && input[left] == 1 && input[right] == 2)
        }
    }

    @Test("YAML anchors and aliases stand for what they name")
    func aliases() throws {
        let text = """
            name: a
            steps:
            - { name: s, function: risk.score, retry: &retry { max_attempts: 4 }, with: { list: &l [1, 2], same: *l } }
            - name: t
              function: risk.score
              retry: *retry
              with: { list: &l [3], again: *l }
            """
        let steps = try DefinitionSamples.read(text).steps
        #expect(steps.map(\.retry.attemptsMax) == [4, 4])
        #expect(steps[0].input.literal == ["list": [1, 2], "same": [1, 2]])
        #expect(steps[1].input.literal == ["list": [3], "again": [3]])
    }

    @Test("a byte order mark and Windows line ends are no fault", arguments: [DefinitionFormat.yaml, .json])
    func lineEnds(_ format: DefinitionFormat) throws {
        let text = format == .yaml ? DefinitionSamples.review : DefinitionSamples.reviewJSON
        let windows = "\u{FEFF}" + text.split(separator: "\n").joined(separator: "\r\n")
        #expect(try DefinitionSamples.read(windows).steps.count == 3)
    }

    @Test(
        "durations are whole numbers with a unit",
        arguments: [("200ms", 200), ("30s", 30_000), ("5m", 300_000), ("24h", 86_400_000), ("7d", 604_800_000)])
    func durations(_ text: String, _ milliseconds: Int) {
        #expect(Duration(parsing: text) == .milliseconds(milliseconds))
    }

    @Test(
        "other spellings are no durations",
        arguments: [
            "", "s", "5", "1.5s", "-1s", "1h30m", "5 s", "5S", "99999999999999999999s", "9223372036854775807d", "٣s",
        ])
    func noDurations(_ text: String) { #expect(Duration(parsing: text) == nil) }
}
