/// `risk.score`: a profile and rules → a score and which rule gave how much of it.
struct RiskScore {
    struct Input: Codable, Sendable {
        var profile: Profile
        /// Without any `Rule.standard`.
        var rules: [Rule]?
    }

    struct Output: Codable, Equatable, Sendable {
        /// The findings' points added up, at most 100.
        var score: Double
        /// In the order of the rules, then of the columns.
        var findings: [Finding]
    }

    /// A rule that holds, and where.
    struct Finding: Codable, Equatable, Sendable {
        var rule: String
        /// Nil for a rule about the whole table.
        var column: String?
        var points: Double
        /// What was found, with the figures.
        var detail: String
    }

    /// A rule that cannot be applied.
    struct Failure: Error, Equatable {
        /// `invalid_rule` or `unknown_column`.
        var code: String
        var message: String
    }

    static let scoreMax = 100.0
    static let rulesMax = 1_000

    static func score(_ input: Input) throws(Failure) -> Output {
        let given = input.rules ?? []
        let rules = given.isEmpty ? Rule.standard : given
        try check(rules)
        var findings: [Finding] = []
        for rule in rules { findings += try self.findings(of: rule, in: input.profile) }
        return Output(score: min(findings.reduce(0) { $0 + $1.points }, scoreMax), findings: findings)
    }

    private static func check(_ rules: [Rule]) throws(Failure) {
        guard rules.count <= rulesMax else {
            throw Failure(code: "invalid_rule", message: "\(rules.count) rules, at most \(rulesMax) are allowed")
        }
        var names: Set<String> = []
        for rule in rules {
            if let fault = rule.fault { throw Failure(code: "invalid_rule", message: fault) }
            guard names.insert(rule.name).inserted else {
                throw Failure(code: "invalid_rule", message: "two rules are named “\(rule.name)”")
            }
        }
    }

    private static func findings(of rule: Rule, in profile: Profile) throws(Failure) -> [Finding] {
        func finding(_ column: String?, _ details: [String]) -> Finding {
            Finding(rule: rule.name, column: column, points: rule.points, detail: details.joined(separator: "; "))
        }
        let named = profile.columns.filter { rule.column.map($0.isNamed) ?? true }
        if let name = rule.column, named.isEmpty {
            if rule.when.absent == true { return [finding(name, ["the column is absent"])] }
            throw Failure(
                code: "unknown_column", message: "rule “\(rule.name)”: the table has no column “\(name)”")
        }
        if rule.when.absent == true { return [] }

        guard let ofTable = rule.when.details(of: profile) else { return [] }
        if rule.when.ofColumn == 0 { return [finding(nil, ofTable)] }
        return named.compactMap { column in
            rule.when.details(of: column, rowCount: profile.rowCount).map { finding(column.name, ofTable + $0) }
        }
    }
}
