/// Collects what the profile of one column needs while the rows go by.
///
/// Memory is bounded by the distinct texts, hence by the text of the table.
struct ColumnAccumulator {
    static let topCountMax = 5
    static let topTextCharactersMax = 100

    private var type = ColumnType.empty
    private var missing = 0
    private var counts: [String: (count: Int, first: Int)] = [:]

    mutating func addMissing() { missing += 1 }

    mutating func add(_ text: String) {
        if let seen = counts[text] {
            counts[text] = (seen.count + 1, seen.first)
        } else {
            counts[text] = (1, counts.count)
            type = type.joined(with: ColumnType(of: text))
        }
    }

    func profile(name: String, rowCount: Int) -> ColumnProfile {
        let range = range()
        return ColumnProfile(
            name: name, type: type, missing: missing,
            missingShare: rowCount == 0 ? 0 : Double(missing) / Double(rowCount),
            distinct: counts.count, min: range?.min, max: range?.max, mean: mean(), top: top())
    }

    private func range() -> (min: CellValue, max: CellValue)? {
        switch type {
        case .integer: extremes { Int64($0) }.map { (.integer($0), .integer($1)) }
        case .number: extremes { Double($0) }.map { (.number($0), .number($1)) }
        // `YYYY-MM-DD` sorts as it stands.
        case .date: extremes { $0 }.map { (.text($0), .text($1)) }
        case .empty, .boolean, .string: nil
        }
    }

    private func extremes<Value: Comparable>(_ read: (String) -> Value?) -> (Value, Value)? {
        var found: (Value, Value)?
        for value in counts.keys.lazy.compactMap(read) {
            found = found.map { (Swift.min($0.0, value), Swift.max($0.1, value)) } ?? (value, value)
        }
        return found
    }

    /// In the order of first appearance, so that the same table gives the same last digit.
    private func mean() -> Double? {
        guard type == .integer || type == .number else { return nil }
        var sum = 0.0
        var count = 0
        for (text, seen) in counts.sorted(by: { $0.value.first < $1.value.first }) {
            sum += (Double(text) ?? 0) * Double(seen.count)
            count += seen.count
        }
        let mean = sum / Double(count)
        return count > 0 && mean.isFinite ? mean : nil
    }

    private func top() -> [FrequentValue] {
        counts.sorted { ($1.value.count, $0.value.first) < ($0.value.count, $1.value.first) }
            .prefix(Self.topCountMax)
            .map { FrequentValue(value: Self.shortened($0.key), count: $0.value.count) }
    }

    private static func shortened(_ text: String) -> String {
        let cut = text.prefix(topTextCharactersMax)
        return cut.endIndex == text.endIndex ? text : cut.dropLast() + "…"
    }
}
