import FoundationEssentials
import Testing

@testable import Tabular

@Suite struct TableParserTests {
    private func parse(_ text: String, _ change: (inout TableParser.Input) -> Void = { _ in }) throws
        -> TableParser.Output
    {
        var input = TableParser.Input(text: text)
        change(&input)
        return try TableParser(input: input).run()
    }

    private func failure(_ text: String, _ change: (inout TableParser.Input) -> Void = { _ in }) -> CSVError? {
        do {
            _ = try parse(text, change)
            return nil
        } catch {
            return error as? CSVError
        }
    }

    @Test("each column gets the narrowest type that fits all its values")
    func types() throws {
        let profile = try parse(
            """
            whole,real,flag,day,mixed,code,none
            1,1,true,2026-02-28,1,007,NA
            -20,2.5e1,FALSE,2024-02-29,x,010,
            NA,,null,N/A,true,5,
            """
        ).profile
        #expect(profile.columns.map(\.type) == [.integer, .number, .boolean, .date, .string, .string, .empty])
        #expect(profile.columns.map(\.missing) == [1, 1, 1, 1, 0, 0, 3])
    }

    @Test("texts on the edges of a type", arguments: [
        ("9223372036854775807", ColumnType.integer), ("9223372036854775808", .string),
        ("9223372036854775809", .string), ("12345678901234567890", .string), ("100000000000000000000", .number),
        ("0.1", .number), ("0.10", .number), ("3.141592653589793238", .string), ("1.50e2", .number), ("-0", .integer),
        ("0.000", .number), ("1e-400", .string), ("0e99999999999999999999", .number),
        ("1e99999999999999999999", .string),
       
        ("1e308", .number), ("1e309", .string), (".5", .string), ("5.", .string), ("1e", .string), ("+1", .string),
        ("-", .string), ("0x10", .string), ("nan", .string), ("inf", .string), (" 1", .string), ("1_000", .string),
        ("2025-02-29", .string), ("1900-02-29", .string), ("2000-02-29", .date), ("2026-13-01", .string),
        ("2026-00-01", .string), ("2026-01-00", .string), ("2026-1-01", .string), ("tRuE", .boolean), ("yes", .string),
        ("١", .string),
    ])
    func edges(text: String, type: ColumnType) {
        #expect(ColumnType(of: text) == type)
    }

    @Test("minimum, maximum, mean, distinct and missing are those of the values")
    func figures() throws {
        let output = try parse("n,x,d\n3,1.5,2026-01-02\n10,NA,2025-12-31\n3,-2,NA\n")
        let (n, x, d) = (output.profile.columns[0], output.profile.columns[1], output.profile.columns[2])
        #expect(n.min == .integer(3) && n.max == .integer(10) && n.distinct == 2)
        #expect(n.mean.map { abs($0 - 16.0 / 3) < 1e-12 } == true)
        #expect(x.min == .number(-2) && x.max == .number(1.5) && x.mean == -0.25)
        #expect(x.missing == 1 && abs(x.missingShare - 1.0 / 3) < 1e-12)
        #expect(d.min == .text("2025-12-31") && d.max == .text("2026-01-02") && d.mean == nil)
        #expect(output.rowCount == 3 && output.profile.rowCount == 3 && output.columns == ["n", "x", "d"])
    }

    @Test("the most frequent values come first, equally frequent ones in the order of the table")
    func top() throws {
        let column = try parse("s\nb\na\nc\na\nd\ne\nf\ng\nb\n").profile.columns[0]
        #expect(column.top.map(\.value) == ["b", "a", "c", "d", "e"])
        #expect(column.top.map(\.count) == [2, 2, 1, 1, 1])
        #expect(column.min == nil && column.max == nil && column.mean == nil)
    }

    @Test("a long text is shortened in the list of frequent values only")
    func longText() throws {
        let text = String(repeating: "x", count: 150)
        let output = try parse("s\n\(text)\n") { $0.includeRows = true }
        #expect(output.profile.columns[0].top[0].value == String(repeating: "x", count: 99) + "…")
        #expect(output.rows == [[.text(text)]])
        // Code points, not what a person sees as characters.
        let marks = "e" + String(repeating: "\u{301}", count: 150)
        #expect(try parse("s\n\(marks)\n").profile.columns[0].top[0].value.unicodeScalars.count == 100)
    }

    @Test("rows come only when asked for, with typed cells")
    func rows() throws {
        #expect(try parse("a,b\n1,x\n").rows == nil)
        let rows = try parse("a,b,c,d\n1,x,true,2.0\nNA,,False,3\n") { $0.includeRows = true }.rows
        #expect(
            rows == [
                [.integer(1), .text("x"), .boolean(true), .number(2)],
                [.missing, .missing, .boolean(false), .number(3)],
            ])
    }

    @Test("a row of another width names its line and both counts")
    func ragged() {
        #expect(
            failure("a,b\n\"1\n1\",2\n3\n") == CSVError(code: .raggedRow(expected: 2, actual: 1), line: 4))
        #expect(failure("a,b\n1,2,3\n")?.message == "line 2: 3 fields, 2 were expected")
    }

    @Test("blank lines are nothing in a wide table and missing values in a table of one column")
    func blankLines() throws {
        #expect(try parse("\n\na,b\n\n1,2\n\n\n").rowCount == 1)
        let single = try parse("a\n1\n\n2\n")
        #expect(single.rowCount == 3 && single.profile.columns[0].missing == 1)
    }

    @Test("without a header the columns are numbered and the first line is data")
    func headerless() throws {
        let output = try parse("1,2\n3,4\n") { $0.header = false }
        #expect(output.columns == ["column_1", "column_2"] && output.rowCount == 2)
        #expect(try parse("") { $0.header = false }.columns.isEmpty)
    }

    @Test("an empty name gets a number; a name that occurs twice is refused")
    func names() throws {
        #expect(try parse(",b\n1,2\n").columns == ["column_1", "b"])
        #expect(failure("a,b,a\n") == CSVError(code: .duplicateColumn("a"), line: 1))
        #expect(failure("é,e\u{301},é\n") == CSVError(code: .duplicateColumn("é"), line: 1))
    }

    @Test("made-up names give way to those of the table", arguments: [
        ("a,,column_2", ["a", "column_2_2", "column_2"]), ("column_2,", ["column_2", "column_2_2"]),
        (",column_1,column_1_2,", ["column_1_3", "column_1", "column_1_2", "column_4"]),
    ])
    func madeUpNames(header: String, columns: [String]) throws {
        #expect(try parse(header + "\n").columns == columns)
    }

    @Test("texts that differ in their code points only are different values and names")
    func exactTexts() throws {
        let output = try parse("é,e\u{301}\n\u{212B},1\n\u{C5},2\nA\u{30A},3\n가,4\n\u{1100}\u{1161},5\n")
        #expect(output.profile.columns[0].distinct == 5)
        #expect(output.columns.count == 2)
        let marked = try parse("x\né\ne\u{301}\n") { $0.missing = ["é"] }
        #expect(marked.profile.columns[0].missing == 1)
    }

    @Test("what a double would change stays a text, also an integer beside a fraction")
    func exactNumbers() throws {
        let output = try parse("a,b,c\n12345678901234567890,9007199254740993,9007199254740992\n12345678901234567891,0.5,0.5\n") {
            $0.includeRows = true
        }
        #expect(output.profile.columns.map(\.type) == [.string, .string, .number])
        #expect(output.profile.columns.map(\.distinct) == [2, 2, 2])
        #expect(output.rows?[0] == [.text("12345678901234567890"), .text("9007199254740993"), .number(0x1p53)])
        // The order in which the two come does not matter.
        #expect(try parse("b\n0.5\n9007199254740993\n").profile.columns[0].type == .string)
    }

    @Test("a text without a header line is refused, a header without rows is a table of no rows")
    func emptyTable() throws {
        #expect(failure("") == CSVError(code: .noHeader, line: 1))
        #expect(failure("\n\n") == CSVError(code: .noHeader, line: 1))
        let output = try parse("a,b")
        #expect(output.rowCount == 0 && output.profile.columns.map(\.missingShare) == [0, 0])
    }

    @Test("the marks of missing values can be chosen")
    func missing() throws {
        let column = try parse("a\n-99\nNA\n1\n") { $0.missing = ["-99"] }.profile.columns[0]
        #expect(column.missing == 1 && column.type == .string)
    }

    @Test("max_rows stops the reading and says so only when rows are left")
    func rowLimit() throws {
        let cut = try parse("a\n1\n2\n3\n") { $0.maxRows = 2 }
        #expect(cut.rowCount == 2 && cut.truncated)
        #expect(try parse("a\n1\n2\n") { $0.maxRows = 2 }.truncated == false)
        #expect(try parse("a\n1\n") { $0.maxRows = 0 }.rowCount == 0)
        #expect(failure("a\n") { $0.maxRows = -1 }?.code == .badRowLimit(-1))
    }

    @Test("more columns than the limit are refused")
    func columnLimit() throws {
        let widest = Array(repeating: "", count: TableParser.columnsMax).joined(separator: ",")
        #expect(try parse(widest).columns.count == TableParser.columnsMax)
        #expect(failure(widest + ",")?.code == .tooManyColumns(limit: TableParser.columnsMax))
    }

    @Test("progress never falls and ends at 1")
    func progress() throws {
        var seen: [Double] = []
        let text = "a,b\n" + String(repeating: "1,2\n", count: 10_000)
        _ = try TableParser(input: .init(text: text)).run { seen.append($0) }
        #expect(seen.count == 6 && seen == seen.sorted() && seen.last == 1)
        #expect(seen.first.map { abs($0 - 0.2) < 0.01 } == true)
    }

    @Test("a cancelled task stops between rows")
    func cancellation() async {
        let text = "a\n" + String(repeating: "1\n", count: 10_000)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try TableParser(input: .init(text: text)).run()
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("the demonstration's table has the types and missing values that its page names")
    func penguins() throws {
        let root = #filePath.split(separator: "/").dropLast(5).joined(separator: "/")
        let text = try String(contentsOfFile: "/\(root)/deploy/demo/penguins.csv", encoding: .utf8)
        let profile = try parse(text).profile
        #expect(profile.rowCount == 344)
        #expect(
            profile.columns.map { "\($0.name) \($0.type) \($0.missing)" } == [
                "species string 0", "island string 0", "bill_length_mm number 2", "bill_depth_mm number 2",
                "flipper_length_mm integer 2", "body_mass_g integer 2", "sex string 11", "year integer 0",
            ])
    }
}
