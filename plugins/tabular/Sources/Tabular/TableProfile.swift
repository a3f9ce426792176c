/// What a table holds, column by column.
struct TableProfile: Codable, Equatable, Sendable {
    var rowCount: Int
    var columns: [ColumnProfile]

    enum CodingKeys: String, CodingKey {
        case rowCount = "row_count"
        case columns
    }
}

/// One column of a profile.
struct ColumnProfile: Codable, Equatable, Sendable {
    var name: String
    var type: ColumnType
    /// Cells whose text is one of the missing marks.
    var missing: Int
    /// `missing` of all rows, 0…1; 0 for a table without rows.
    var missingShare: Double
    /// Different texts among the cells that are not missing.
    var distinct: Int
    /// Smallest and largest value of an `integer`, `number` or `date` column.
    var min: CellValue?
    var max: CellValue?
    /// Arithmetic mean of an `integer` or `number` column.
    var mean: Double?
    /// The most frequent texts, most frequent first; equally frequent ones in the order of the table.
    var top: [FrequentValue]

    enum CodingKeys: String, CodingKey {
        case name, type, missing
        case missingShare = "missing_share"
        case distinct, min, max, mean, top
    }
}

/// A text and how often it stands in its column.
struct FrequentValue: Codable, Equatable, Sendable {
    /// At most `ColumnAccumulator.topTextCharactersMax` characters.
    var value: String
    var count: Int
}
