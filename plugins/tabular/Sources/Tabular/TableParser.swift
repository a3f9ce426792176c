/// `tabular.parse`: a text of comma-separated values → its columns, types and profile.
struct TableParser {
    struct Input: Codable, Sendable {
        /// The table, UTF-8.
        var text: String
        /// One ASCII character; default a comma.
        var delimiter: String?
        /// Whether the first line names the columns; default true.
        var header: Bool?
        /// Texts that stand for a missing value; default `missingDefault`.
        var missing: [String]?
        /// Reads so many rows at most and says `truncated` when more follow.
        var maxRows: Int?
        /// Whether the output has the rows; default false.
        var includeRows: Bool?

        enum CodingKeys: String, CodingKey {
            case text, delimiter, header, missing
            case maxRows = "max_rows"
            case includeRows = "include_rows"
        }
    }

    struct Output: Codable, Equatable, Sendable {
        var columns: [String]
        var rowCount: Int
        /// Whether `max_rows` left rows unread.
        var truncated: Bool
        var profile: TableProfile
        /// Each row's cells in the order of `columns`; present only when asked for.
        var rows: [[CellValue]]?

        enum CodingKeys: String, CodingKey {
            case columns
            case rowCount = "row_count"
            case truncated, profile, rows
        }
    }

    static let missingDefault = ["", "NA", "N/A", "null"]
    static let columnsMax = 2_000
    /// Rows between two looks at the clock and the caller's wish to stop.
    private static let rowsPerReport = 2_000

    var input: Input

    /// Reports the share that is read, 0…1, now and then. Throws `CSVError`, or `CancellationError` when the task was
    /// cancelled.
    func run(progress: (Double) -> Void = { _ in }) throws -> Output {
        let rowsMax = input.maxRows ?? .max
        guard rowsMax >= 0 else { throw CSVError(code: .badRowLimit(rowsMax), line: 0) }
        var reader = try CSVReader(input.text, delimiter: input.delimiter ?? ",")
        var pending: CSVReader.Record?
        let columns = try readColumns(&reader, firstRow: &pending)
        let missing = Set((input.missing ?? Self.missingDefault).map(CellText.init))

        var accumulators = Array(repeating: ColumnAccumulator(), count: columns.count)
        var rows: [[String?]] = []
        var rowCount = 0
        var truncated = false
        while let record = try pending ?? reader.next() {
            pending = nil
            // A blank line is a missing value in a table of one column and nothing in a wider one.
            if record.isBlank, columns.count > 1 { continue }
            guard rowCount < rowsMax else {
                truncated = true
                break
            }
            guard record.fields.count == columns.count else {
                throw CSVError(
                    code: .raggedRow(expected: columns.count, actual: record.fields.count), line: record.line)
            }
            for (column, text) in record.fields.enumerated() {
                if missing.contains(CellText(text)) {
                    accumulators[column].addMissing()
                } else {
                    accumulators[column].add(text)
                }
            }
            if input.includeRows == true {
                rows.append(record.fields.map { missing.contains(CellText($0)) ? nil : $0 })
            }
            rowCount += 1
            if rowCount.isMultiple(of: Self.rowsPerReport) {
                try Task.checkCancellation()
                progress(reader.fractionRead)
            }
        }
        progress(1)

        let profiles = zip(columns, accumulators).map { $1.profile(name: $0, rowCount: rowCount) }
        return Output(
            columns: columns, rowCount: rowCount, truncated: truncated,
            profile: TableProfile(rowCount: rowCount, columns: profiles),
            rows: input.includeRows == true ? Self.typed(rows, profiles.map(\.type)) : nil)
    }

    /// The names; without a header `column_1` … by the width of the first row, which is handed back.
    private func readColumns(
        _ reader: inout CSVReader, firstRow: inout CSVReader.Record?
    ) throws(CSVError) -> [String] {
        var first = try reader.next()
        while first?.isBlank == true { first = try reader.next() }
        guard let first else {
            if input.header ?? true { throw CSVError(code: .noHeader, line: 1) }
            return []
        }
        guard first.fields.count <= Self.columnsMax else {
            throw CSVError(code: .tooManyColumns(limit: Self.columnsMax), line: first.line)
        }
        guard input.header ?? true else {
            firstRow = first
            return first.fields.indices.map { "column_\($0 + 1)" }
        }
        var taken: Set<CellText> = []
        for name in first.fields where !name.isEmpty && !taken.insert(CellText(name)).inserted {
            throw CSVError(code: .duplicateColumn(name), line: first.line)
        }
        return first.fields.enumerated().map { index, name in
            name.isEmpty ? Self.madeUpName(index + 1, &taken) : name
        }
    }

    /// `column_2`, or `column_2_2` and so on when the table has such a name of its own.
    private static func madeUpName(_ number: Int, _ taken: inout Set<CellText>) -> String {
        var name = "column_\(number)"
        var attempt = 1
        while !taken.insert(CellText(name)).inserted {
            attempt += 1
            name = "column_\(number)_\(attempt)"
        }
        return name
    }

    private static func typed(_ rows: [[String?]], _ types: [ColumnType]) -> [[CellValue]] {
        rows.map { row in zip(row, types).map { text, type in text.map(type.value(of:)) ?? .missing } }
    }
}
