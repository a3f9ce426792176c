import StepKit
import StepKitTesting
import Testing

@testable import Tabular

@Suite struct PluginTests {
    @Test("a call through the C table gives columns, profile and progress, and no rows unless asked")
    func parses() async throws {
        let record = await StepTesting.record(parse, json: #"{"text":"a,b\n1,x\nNA,y\n"}"#)
        let output = try StepValue(json: record.output)
        #expect(output["columns"] == ["a", "b"] && output["row_count"] == 2 && output["truncated"] == false)
        #expect(output["rows"] == nil)
        let first = output["profile"]?["columns"]?[0]
        #expect(first?["type"] == "integer" && first?["missing"] == 1 && first?["missing_share"] == 0.5)
        #expect(first?["min"] == 1 && first?["max"] == 1 && first?["mean"]?.doubleValue == 1)
        #expect(first?["top"]?[0] == ["value": "1", "count": 1])
        #expect(record.progress.last?.fraction == 1)
    }

    @Test("every option of the input is read by its name")
    func options() async throws {
        let record = await StepTesting.record(
            parse,
            json: #"""
                {"text":"1;?\n2;3\n","delimiter":";","header":false,"missing":["?"],"max_rows":1,"include_rows":true}
                """#)
        let output = try StepValue(json: record.output)
        #expect(output["rows"] == [[1, nil]] && output["truncated"] == true)
        #expect(output["columns"] == ["column_1", "column_2"])
    }

    @Test("a broken table is a final failure that names the line")
    func invalidTable() async {
        let record = await StepTesting.record(parse, json: #"{"text":"a,b\n1\n"}"#)
        #expect(
            record.failure
                == StepFailure(.final, code: "invalid_csv", message: "line 2: 1 fields, 2 were expected"))
    }

    @Test("a wrong setting or type is invalid input, not a broken table", arguments: [
        #"{"text":"a","delimiter":"::"}"#, #"{"text":"a","max_rows":-1}"#, #"{"text":1}"#, #"{}"#,
    ])
    func invalidInput(json: String) async {
        #expect(await StepTesting.record(parse, json: json).failure?.code == "invalid_input")
    }
}
