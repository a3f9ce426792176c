import StepKit
import StepKitTesting
import Testing

@testable import Document

@Suite struct PluginTests {
    @Test("a call through the C table gives text, format and bytes; Markdown is the default")
    func renders() async throws {
        let record = await StepTesting.record(render, json: #"{"template":"{{x}} é","data":{"x":"a<b"}}"#)
        #expect(try StepValue(json: record.output) == ["text": "a<b é", "format": "markdown", "bytes": 6])
        let page = await StepTesting.record(
            render, json: #"{"template":"{{x}}","data":{"x":"a<b"},"format":"html","title":"T"}"#)
        let text = try StepValue(json: page.output)["text"]?.stringValue
        #expect(text?.contains("<title>T</title>") == true && text?.contains("a&lt;b") == true)
    }

    @Test("a broken template and an unknown format are final failures", arguments: [
        (#"{"template":"a\n{{#x}}","data":{}}"#, "invalid_template"),
        (#"{"template":"","data":{},"format":"pdf"}"#, "invalid_input"),
        (#"{"template":""}"#, "invalid_input"),
    ])
    func failures(json: String, code: String) async {
        let failure = await StepTesting.record(render, json: json).failure
        #expect(failure?.code == code && failure?.disposition == .final)
    }
}
