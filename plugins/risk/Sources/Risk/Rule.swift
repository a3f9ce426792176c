/// One reason to distrust a table, and what it weighs.
struct Rule: Codable, Equatable, Sendable {
    /// Names the rule in findings; unique in its list.
    var name: String
    /// The column it looks at; without it every column is looked at on its own.
    var column: String?
    var when: Conditions
    /// What each finding adds to the score, above 0 and at most 100.
    var points: Double

    /// All that are given must hold; at least one is given.
    struct Conditions: Codable, Equatable, Sendable {
        /// Of the table.
        var rowCountBelow: Int?
        var rowCountAbove: Int?
        /// Of a column: cells without a value, counted and as a share 0…1.
        var missingAbove: Int?
        var missingShareAbove: Double?
        /// Of a column: different values.
        var distinctBelow: Int?
        var distinctAbove: Int?
        /// Of a numeric column; they never hold for another one.
        var minBelow: ExactNumber?
        var maxAbove: ExactNumber?
        /// Of a column: `empty`, `boolean`, `integer`, `number`, `date` or `string`.
        var typeIsNot: String?
        /// `true`: the named column is not in the table. Alone, and with `column`.
        var absent: Bool?

        enum CodingKeys: String, CodingKey {
            case rowCountBelow = "row_count_below"
            case rowCountAbove = "row_count_above"
            case missingAbove = "missing_above"
            case missingShareAbove = "missing_share_above"
            case distinctBelow = "distinct_below"
            case distinctAbove = "distinct_above"
            case minBelow = "min_below"
            case maxAbove = "max_above"
            case typeIsNot = "type_is_not"
            case absent
        }

        var ofTable: Int { [rowCountBelow, rowCountAbove].count { $0 != nil } }

        var ofColumn: Int {
            [missingAbove, distinctBelow, distinctAbove].count { $0 != nil }
                + (missingShareAbove == nil ? 0 : 1) + [minBelow, maxAbove].count { $0 != nil }
                + (typeIsNot == nil ? 0 : 1)
        }
    }

    static let typeNames: Set = ["empty", "boolean", "integer", "number", "date", "string"]
}

extension Rule {
    /// What is wrong with the rule itself; nil when nothing is.
    var fault: String? {
        if name.isEmpty { return "a rule without a name" }
        if !(points > 0 && points <= 100) { return "rule “\(name)”: points must be above 0 and at most 100" }
        if let share = when.missingShareAbove, !(0...1).contains(share) {
            return "rule “\(name)”: missing_share_above must be 0…1"
        }
        if let type = when.typeIsNot, !Self.typeNames.contains(type) {
            return "rule “\(name)”: type_is_not must be one of \(Self.typeNames.sorted().joined(separator: ", "))"
        }
        if when.absent == false { return "rule “\(name)”: absent can only be true" }
        if when.absent == true {
            if column == nil { return "rule “\(name)”: absent needs a column" }
            if when.ofTable + when.ofColumn > 0 { return "rule “\(name)”: absent stands alone" }
        } else if when.ofTable + when.ofColumn == 0 {
            return "rule “\(name)”: no condition in “when”"
        } else if column != nil, when.ofColumn == 0 {
            return "rule “\(name)”: a column but no condition on it"
        }
        return nil
    }
}
