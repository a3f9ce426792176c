import FoundationEssentials
import Testing

@testable import Risk

@Suite struct RiskScoreTests {
    private static func column(
        _ name: String, type: String = "number", missing: Int = 0, rows: Int = 100, distinct: Int = 50,
        min: Profile.Bound? = .number(1), max: Profile.Bound? = .number(9)
    ) -> Profile.Column {
        Profile.Column(
            name: name, type: type, missing: missing, missingShare: Double(missing) / Double(rows), distinct: distinct,
            min: min, max: max)
    }

    private let profile = Profile(
        rowCount: 100,
        columns: [column("a", missing: 10), column("b", type: "string", distinct: 1, min: nil, max: nil), column("c")])

    private func score(_ rules: Rule...) throws -> RiskScore.Output {
        try RiskScore.score(.init(profile: profile, rules: rules))
    }

    private func failure(_ rules: [Rule]) -> RiskScore.Failure? {
        do {
            _ = try RiskScore.score(.init(profile: profile, rules: rules))
            return nil
        } catch {
            return error
        }
    }

    @Test("without rules the standard ones are taken", arguments: [nil, []] as [[Rule]?])
    func standardRules(rules: [Rule]?) throws {
        let output = try RiskScore.score(.init(profile: profile, rules: rules))
        #expect(
            output.findings.map(\.rule) == ["missing_values", "many_missing_values", "constant_column"])
        #expect(output.findings.map(\.column) == ["a", "a", "b"])
        #expect(output.score == 17)
    }

    @Test("the score is the sum of the findings' points and ends at 100")
    func sum() throws {
        let rule = Rule(name: "any", when: .init(distinctAbove: 0), points: 30)
        let output = try score(rule)
        #expect(output.findings.map(\.points) == [30, 30, 30] && output.score == 90)
        #expect(try score(rule, Rule(name: "rows", when: .init(rowCountAbove: 1), points: 30)).score == 100)
    }

    @Test("each condition holds on one side of its limit only", arguments: [
        (Rule.Conditions(missingAbove: 9), Rule.Conditions(missingAbove: 10)),
        (.init(missingShareAbove: 0.09), .init(missingShareAbove: 0.1)),
        (.init(distinctBelow: 51), .init(distinctBelow: 50)),
        (.init(distinctAbove: 49), .init(distinctAbove: 50)),
        (.init(minBelow: 1.5), .init(minBelow: 1)),
        (.init(maxAbove: 8.5), .init(maxAbove: 9)),
        (.init(typeIsNot: "integer"), .init(typeIsNot: "number")),
        (.init(rowCountBelow: 101, missingAbove: 0), .init(rowCountBelow: 100, missingAbove: 0)),
        (.init(rowCountAbove: 99, missingAbove: 0), .init(rowCountAbove: 100, missingAbove: 0)),
        (.init(missingAbove: 0, distinctAbove: 0), .init(missingAbove: 0, distinctAbove: 1_000)),
    ])
    func limits(holds: Rule.Conditions, fails: Rule.Conditions) throws {
        #expect(try score(Rule(name: "r", column: "a", when: holds, points: 1)).findings.count == 1)
        #expect(try score(Rule(name: "r", column: "a", when: fails, points: 1)).findings.isEmpty)
    }

    @Test("limits on values do not apply to a column without numbers")
    func noNumbers() throws {
        #expect(try score(Rule(name: "r", column: "b", when: .init(minBelow: 1e300), points: 1)).findings.isEmpty)
        #expect(try score(Rule(name: "r", column: "b", when: .init(maxAbove: -1e300), points: 1)).findings.isEmpty)
    }

    @Test("a rule about the table alone gives one finding without a column")
    func tableRule() throws {
        let output = try score(Rule(name: "small", when: .init(rowCountBelow: 200), points: 5))
        #expect(
            output.findings == [
                .init(rule: "small", column: nil, points: 5, detail: "100 rows, fewer than 200")
            ])
    }

    @Test("the detail gives the figures of every condition")
    func details() throws {
        let rule = Rule(
            name: "r", column: "a",
            when: .init(missingAbove: 3, missingShareAbove: 0.05, minBelow: 1.5), points: 1)
        #expect(
            try score(rule).findings.first?.detail
                == "10 of 100 values missing, more than 3; 10 % of values missing, more than 5 %; "
                + "the minimum 1 is below 1.5")
    }

    @Test("shares are rounded no further than the sentence stays true", arguments: [
        (101, 2_001, 0.05, "5.05 % of values missing, more than 5 %"),
        (1_999, 2_000, 0.5, "99.95 % of values missing, more than 50 %"),
        (2_000, 2_000, 0.5, "100 % of values missing, more than 50 %"),
        (1, 3, 0.05, "33.3 % of values missing, more than 5 %"),
        (1, 10_000, 0, "0.01 % of values missing, more than 0 %"),
        (505, 10_000, 0.0504, "5.1 % of values missing, more than 5.04 %"),
        (3, 10, 0.07, "30 % of values missing, more than 7 %"),
    ])
    func percentages(missing: Int, rows: Int, limit: Double, detail: String) throws {
        let column = Self.column("a", missing: missing, rows: rows)
        let rule = Rule(name: "r", when: .init(missingShareAbove: limit), points: 1)
        let output = try RiskScore.score(.init(profile: .init(rowCount: rows, columns: [column]), rules: [rule]))
        #expect(output.findings.first?.detail == detail)
    }

    @Test("values and limits beyond what a double holds are compared as they are")
    func exactNumbers() throws {
        let json = """
            {"profile":{"row_count":1,"columns":[{"name":"id","type":"integer","missing":0,"missing_share":0,"distinct":1,
            "min":9007199254740993,"max":9007199254740993}]},"rules":[
            {"name":"below","when":{"min_below":9007199254740994},"points":1},
            {"name":"equal","when":{"max_above":9007199254740993},"points":1},
            {"name":"above","when":{"max_above":9007199254740992.0},"points":1},
            {"name":"far","when":{"max_above":1e30},"points":1}]}
            """
        let input = try JSONDecoder().decode(RiskScore.Input.self, from: Data(json.utf8))
        let output = try RiskScore.score(input)
        #expect(output.findings.map(\.rule) == ["below", "above"])
        #expect(output.findings[0].detail == "the minimum 9007199254740993 is below 9007199254740994")
    }

    @Test("numbers are in the order of their values", arguments: [
        (ExactNumber.integer(.max), ExactNumber.real(0x1p63)), (.real(-0x1p63), .integer(.min + 1)),
        (.integer(1), .real(1.5)), (.real(1.5), .integer(2)), (.real(-1.5), .integer(-1)), (.integer(-2), .real(-1.5)),
        (.real(-.infinity), .integer(.min)), (.integer(9_007_199_254_740_992), .integer(9_007_199_254_740_993)),
    ])
    func order(less: ExactNumber, greater: ExactNumber) {
        #expect(less < greater && !(greater < less))
        #expect(!(ExactNumber.integer(.min) < .real(-0x1p63)) && !(ExactNumber.real(-0x1p63) < .integer(.min)))
    }

    @Test("a column is named by its code points")
    func exactNames() throws {
        let columns = [Self.column("é", missing: 1), Self.column("e\u{301}", missing: 2)]
        let profile = Profile(rowCount: 100, columns: columns)
        let rule = Rule(name: "r", column: "e\u{301}", when: .init(missingAbove: 0), points: 1)
        let output = try RiskScore.score(.init(profile: profile, rules: [rule]))
        #expect(output.findings.map(\.detail) == ["2 of 100 values missing, more than 0"])
    }

    @Test("an absent column is a finding where the rule asks for it and a failure elsewhere")
    func absent() throws {
        let asked = Rule(name: "r", column: "z", when: .init(absent: true), points: 40)
        #expect(try score(asked).findings.map(\.column) == ["z"])
        var present = asked
        present.column = "a"
        #expect(try score(present).findings.isEmpty)
        #expect(
            failure([Rule(name: "r", column: "z", when: .init(missingAbove: 0), points: 1)])?.code == "unknown_column")
    }

    @Test("a rule that cannot mean anything is refused by name", arguments: [
        Rule(name: "", when: .init(missingAbove: 0), points: 1),
        Rule(name: "r", when: .init(), points: 1),
        Rule(name: "r", when: .init(missingAbove: 0), points: 0),
        Rule(name: "r", when: .init(missingAbove: 0), points: 101),
        Rule(name: "r", when: .init(missingAbove: 0), points: .nan),
        Rule(name: "r", when: .init(missingShareAbove: 5), points: 1),
        Rule(name: "r", when: .init(typeIsNot: "float"), points: 1),
        Rule(name: "r", column: "a", when: .init(rowCountBelow: 1), points: 1),
        Rule(name: "r", when: .init(absent: true), points: 1),
        Rule(name: "r", column: "a", when: .init(absent: false), points: 1),
        Rule(name: "r", column: "a", when: .init(missingAbove: 0, absent: true), points: 1),
    ])
    func badRule(rule: Rule) {
        let found = failure([rule])
        #expect(found?.code == "invalid_rule")
        #expect(rule.name.isEmpty || found?.message.contains("“r”") == true)
    }

    @Test("two rules of one name and too many rules are refused")
    func ruleList() {
        let rule = Rule(name: "r", when: .init(missingAbove: 0), points: 1)
        #expect(failure([rule, rule])?.code == "invalid_rule")
        #expect(failure(Array(repeating: rule, count: RiskScore.rulesMax + 1))?.message.contains("1001 rules") == true)
    }
}
