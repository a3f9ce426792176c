/// Collects what the profile of one column needs while the rows go by.
///
/// Memory is bounded by the distinct texts, hence by the text of the table.
struct ColumnAccumulator {
    static let topCountMax = 5
    /// Code points, as JSON Schema counts a text's length.
    static let topTextCharactersMax = 100

    private var joined = ColumnType.empty
    /// An integer that is another number as a double.
    private var hasWideInteger = false
    private var missing = 0
    private var counts: [CellText: (count: Int, first: Int)] = [:]

    mutating func addMissing() { missing += 1 }

    mutating func add(_ text: String) {
        let cell = CellText(text)
        if let seen = counts[cell] {
            counts[cell] = (seen.count + 1, seen.first)
        } else {
            counts[cell] = (1, counts.count)
            let type = ColumnType(of: text)
            joined = joined.joined(with: type)
            if type == .integer, !DecimalText.survivesDouble(text) { hasWideInteger = true }
        }
    }

    /// Beside a fraction integers become doubles, if they can.
    private var type: ColumnType { joined == .number && hasWideInteger ? .string : joined }

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
        for cell in counts.keys {
            guard let value = read(cell.text) else { continue }
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
            sum += (Double(text.text) ?? 0) * Double(seen.count)
            count += seen.count
        }
        let mean = sum / Double(count)
        return count > 0 && mean.isFinite ? mean : nil
    }

    private func top() -> [FrequentValue] {
        counts.sorted { ($1.value.count, $0.value.first) < ($0.value.count, $1.value.first) }
            .prefix(Self.topCountMax)
            .map { FrequentValue(value: Self.shortened($0.key.text), count: $0.value.count) }
    }

    private static func shortened(_ text: String) -> String {
        let cut = text.unicodeScalars.prefix(topTextCharactersMax)
        return cut.endIndex == text.endIndex ? text : String(String.UnicodeScalarView(cut.dropLast())) + "…"
    }
}
