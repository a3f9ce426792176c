extension Rule {
    /// The rules of a call that brings none: missing values at three levels (each adds to the one before), columns
    /// that say nothing, and tables too small to say much.
    static let standard = [
        Rule(name: "missing_values", when: Conditions(missingAbove: 0), points: 2),
        Rule(name: "many_missing_values", when: Conditions(missingShareAbove: 0.05), points: 10),
        Rule(name: "mostly_missing", when: Conditions(missingShareAbove: 0.5), points: 25),
        Rule(name: "constant_column", when: Conditions(distinctBelow: 2), points: 5),
        Rule(name: "few_rows", when: Conditions(rowCountBelow: 30), points: 15),
    ]
}
