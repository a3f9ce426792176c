/// Reads records of comma-separated values, one at a time (RFC 4180).
///
/// Lines end in LF or CRLF; a quoted field may hold delimiters, line ends and doubled quotes; a UTF-8 byte order mark
/// is skipped. Where RFC 4180 is silent the reader is strict: a quote inside an unquoted field and a lone carriage
/// return are errors, because guessing there loses data without a word.
struct CSVReader {
    /// One line of the table.
    struct Record: Equatable {
        var fields: [String]
        /// Where it begins, from 1.
        var line: Int
        /// Nothing stood on the line, not even a pair of quotes.
        var isBlank: Bool
    }

    private let bytes: [UInt8]
    private let delimiter: UInt8
    private var position: Int
    private var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// `delimiter` is one ASCII character.
    init(_ text: String, delimiter: String = ",") throws(CSVError) {
        let unit = Array(delimiter.utf8)
        guard unit.count == 1, unit[0] < 0x80, unit[0] != 0,
            ![Self.quote, Self.lineFeed, Self.carriageReturn].contains(unit[0])
        else { throw CSVError(code: .badDelimiter(delimiter), line: 0) }
        bytes = Array(text.utf8)
        self.delimiter = unit[0]
        position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// The share of the text that was read, 0…1.
    var fractionRead: Double { bytes.isEmpty ? 1 : Double(position) / Double(bytes.count) }

    /// The next record; nil at the end. A line end that closes the last record begins no further one.
    mutating func next() throws(CSVError) -> Record? {
        guard position < bytes.count else { return nil }
        let start = line
        let startPosition = position
        var fields: [String] = []
        while true {
            fields.append(try field())
            guard position < bytes.count, bytes[position] == delimiter else { break }
            position += 1
        }
        let isBlank = position == startPosition
        try endOfLine()
        return Record(fields: fields, line: start, isBlank: isBlank)
    }

    /// Leaves `position` at the delimiter, line end or end of text behind the field.
    private mutating func field() throws(CSVError) -> String {
        if position < bytes.count, bytes[position] == Self.quote { return try quotedField() }
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == delimiter || byte == Self.lineFeed || byte == Self.carriageReturn { break }
            if byte == Self.quote { throw CSVError(code: .quoteInsideField, line: line) }
            position += 1
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func quotedField() throws(CSVError) -> String {
        let opened = line
        position += 1
        var content: [UInt8] = []
        var start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == Self.lineFeed { line += 1 }
            guard byte == Self.quote else {
                position += 1
                continue
            }
            content += bytes[start..<position]
            position += 1
            guard position < bytes.count, bytes[position] == Self.quote else {
                try expectEndOfField()
                return String(decoding: content, as: UTF8.self)
            }
            // A doubled quote stands for one: the second begins the next stretch.
            start = position
            position += 1
        }
        throw CSVError(code: .unterminatedQuote, line: opened)
    }

    private func expectEndOfField() throws(CSVError) {
        guard position < bytes.count else { return }
        guard [delimiter, Self.lineFeed, Self.carriageReturn].contains(bytes[position]) else {
            throw CSVError(code: .textAfterQuote, line: line)
        }
    }

    private mutating func endOfLine() throws(CSVError) {
        guard position < bytes.count else { return }
        if bytes[position] == Self.carriageReturn {
            guard position + 1 < bytes.count, bytes[position + 1] == Self.lineFeed else {
                throw CSVError(code: .strayCarriageReturn, line: line)
            }
            position += 1
        }
        position += 1
        line += 1
    }
}
