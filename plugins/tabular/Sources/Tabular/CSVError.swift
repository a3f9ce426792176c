/// Why a text is not the table it should be, and where.
struct CSVError: Error, Equatable {
    /// What is wrong; the cases are the whole list.
    enum Code: Equatable {
        case noHeader
        case unterminatedQuote
        case textAfterQuote
        case quoteInsideField
        case strayCarriageReturn
        case raggedRow(expected: Int, actual: Int)
        case duplicateColumn(String)
        case tooManyColumns(limit: Int)
        case badDelimiter(String)
        case badRowLimit(Int)
    }

    var code: Code
    /// From 1, counted in the text as given; a quoted field may span several lines.
    var line: Int

    /// A sentence that names the line.
    var message: String {
        switch code {
        case .noHeader: "line \(line): the text is empty, a header was expected"
        case .unterminatedQuote: "line \(line): the quoted field that begins here is never closed"
        case .textAfterQuote: "line \(line): text after a closing quote; a delimiter or a line end was expected"
        case .quoteInsideField: "line \(line): a quote inside a field that does not begin with one"
        case .strayCarriageReturn: "line \(line): a carriage return without a line feed"
        case .raggedRow(let expected, let actual): "line \(line): \(actual) fields, \(expected) were expected"
        case .duplicateColumn(let name): "line \(line): the column name “\(name)” occurs twice"
        case .tooManyColumns(let limit): "line \(line): more than \(limit) columns"
        case .badDelimiter(let text):
            "the delimiter must be one ASCII character other than a quote or a line end, not “\(text)”"
        case .badRowLimit(let limit): "max_rows must not be negative, it is \(limit)"
        }
    }

    /// The step's error code: `invalid_input` when a setting is wrong, `invalid_csv` when the text is.
    var failureCode: String {
        switch code {
        case .badDelimiter, .badRowLimit: "invalid_input"
        default: "invalid_csv"
        }
    }
}
