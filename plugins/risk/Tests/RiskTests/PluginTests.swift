import StepKit
import StepKitTesting
import Testing

@testable import Risk

@Suite struct PluginTests {
    private let profile = #"""
        {"row_count":344,"columns":[
          {"name":"sex","type":"string","missing":11,"missing_share":0.03197674418604651,"distinct":2,"top":[]},
          {"name":"year","type":"integer","missing":0,"missing_share":0,"distinct":3,"min":2007,"max":2009,"mean":2008},
          {"name":"day","type":"date","missing":0,"missing_share":0,"distinct":9,"min":"2007-01-01","max":"2009-12-31"}
        ]}
        """#

    @Test("a call through the C table gives score and findings, and reports the score as risk")
    func scores() async throws {
        let record = await StepTesting.record(
            score,
            json: #"""
                {"profile":\#(profile),"rules":[
                  {"name":"missing","when":{"missing_above":0},"points":4},
                  {"name":"late","column":"year","when":{"max_above":2008},"points":6.5}]}
                """#)
        let output = try StepValue(json: record.output)
        #expect(output["score"] == 10.5 && record.risks == [10.5])
        #expect(
            output["findings"]?[0] == [
                "rule": "missing", "column": "sex", "points": 4, "detail": "11 of 344 values missing, more than 0",
            ])
        #expect(output["findings"]?[1]?["detail"] == "the maximum 2009 is above 2008")
    }

    @Test("without rules the standard ones apply")
    func standard() async throws {
        let record = await StepTesting.record(score, json: #"{"profile":\#(profile)}"#)
        #expect(try StepValue(json: record.output)["findings"]?[0]?["rule"] == "missing_values")
        #expect(record.risks == [2])
    }

    @Test("a rule that cannot be applied is a final failure and reports no risk", arguments: [
        (#"[{"name":"r","when":{},"points":1}]"#, "invalid_rule"),
        (#"[{"name":"r","column":"gone","when":{"missing_above":0},"points":1}]"#, "unknown_column"),
        (#"[{"name":"r","when":{"missing_above":0}}]"#, "invalid_input"),
    ])
    func failures(rules: String, code: String) async {
        let record = await StepTesting.record(score, json: #"{"profile":\#(profile),"rules":\#(rules)}"#)
        #expect(record.failure?.code == code && record.failure?.disposition == .final && record.risks.isEmpty)
    }
}
