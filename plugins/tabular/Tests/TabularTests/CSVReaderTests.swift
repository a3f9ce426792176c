import Testing

@testable import Tabular

@Suite struct CSVReaderTests {
    private func records(_ text: String, delimiter: String = ",") throws -> [[String]] {
        var reader = try CSVReader(text, delimiter: delimiter)
        var found: [[String]] = []
        while let record = try reader.next() { found.append(record.fields) }
        return found
    }

    private func failure(_ text: String, delimiter: String = ",") -> CSVError? {
        do {
            _ = try records(text, delimiter: delimiter)
            return nil
        } catch {
            return error as? CSVError
        }
    }

    @Test("LF and CRLF end a line, with or without one at the end of the text", arguments: [
        "a,b\n1,2", "a,b\n1,2\n", "a,b\r\n1,2", "a,b\r\n1,2\r\n", "a,b\r\n1,2\n",
    ])
    func lineEnds(text: String) throws {
        #expect(try records(text) == [["a", "b"], ["1", "2"]])
    }

    @Test("a quoted field holds delimiters, doubled quotes and line ends of both kinds")
    func quoted() throws {
        #expect(
            try records("\"a,b\",\"say \"\"hi\"\"\",\"one\ntwo\r\nthree\",\"\"\n")
                == [["a,b", "say \"hi\"", "one\ntwo\r\nthree", ""]])
        #expect(try records("\"\"\"\"") == [["\""]])
        #expect(try records("\"\"\"a\"\"\",\"b\"\"\"") == [["\"a\"", "b\""]])
    }

    @Test("empty fields stay fields")
    func emptyFields() throws {
        #expect(try records(",\n,,x\n") == [["", ""], ["", "", "x"]])
        #expect(try records("a,") == [["a", ""]])
    }

    @Test("a byte order mark is skipped, also before a quote; a lone one is an empty text")
    func byteOrderMark() throws {
        #expect(try records("\u{FEFF}\"a\",b") == [["a", "b"]])
        #expect(try records("\u{FEFF}").isEmpty)
        #expect(try records("").isEmpty)
    }

    @Test("white space and non-ASCII text belong to the field")
    func whiteSpace() throws {
        #expect(try records(" a ,Größe\t,日本") == [[" a ", "Größe\t", "日本"]])
    }

    @Test("another delimiter makes the comma ordinary", arguments: [";", "\t", "|"])
    func otherDelimiter(delimiter: String) throws {
        #expect(try records("a,b\(delimiter)\"c\(delimiter)d\"", delimiter: delimiter) == [["a,b", "c\(delimiter)d"]])
    }

    @Test("a delimiter that is no single ASCII character, or has a meaning of its own, is refused", arguments: [
        "", ",,", "\"", "\n", "\r", "\r\n", "·", "\0",
    ])
    func badDelimiter(delimiter: String) {
        #expect(failure("a", delimiter: delimiter)?.code == .badDelimiter(delimiter))
        #expect(failure("a", delimiter: delimiter)?.failureCode == "invalid_input")
    }

    @Test("an unterminated quote names the line where it was opened")
    func unterminated() {
        #expect(failure("a,b\n1,\"two\nthree\nfour") == CSVError(code: .unterminatedQuote, line: 2))
        #expect(failure("\"a\"\"") == CSVError(code: .unterminatedQuote, line: 1))
        #expect(failure("a\n\"") == CSVError(code: .unterminatedQuote, line: 2))
    }

    @Test("text after a closing quote names its own line, counting the line ends inside quotes")
    func textAfterQuote() {
        #expect(failure("a,b\n\"1\n2\"x,3") == CSVError(code: .textAfterQuote, line: 3))
        #expect(failure("\"a\" ,b") == CSVError(code: .textAfterQuote, line: 1))
    }

    @Test("a quote inside an unquoted field and a lone carriage return are refused")
    func strict() {
        #expect(failure("a\nb\"c\"") == CSVError(code: .quoteInsideField, line: 2))
        #expect(failure("a\rb") == CSVError(code: .strayCarriageReturn, line: 1))
        #expect(failure("a\r") == CSVError(code: .strayCarriageReturn, line: 1))
    }

    @Test("each record knows the line it begins on")
    func lines() throws {
        var reader = try CSVReader("\"a\nb\"\n\nc")
        #expect(try reader.next() == CSVReader.Record(fields: ["a\nb"], line: 1, isBlank: false))
        #expect(try reader.next() == CSVReader.Record(fields: [""], line: 3, isBlank: true))
        #expect(try reader.next() == CSVReader.Record(fields: ["c"], line: 4, isBlank: false))
        #expect(try reader.next() == nil)
        #expect(reader.fractionRead == 1)
    }

    @Test("what is written with every field quoted reads back as it was, for random tables")
    func roundTrip() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var generator = SplitMix64(state: seed)
        let alphabet: [Character] = ["a", "\"", ",", "\n", "\r\n", "\r", " ", "é", "\u{FEFF}", "0"]
        for _ in 0..<500 {
            let width = Int.random(in: 1...4, using: &generator)
            let table = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                (0..<width).map { _ in
                    String((0..<Int.random(in: 0...6, using: &generator)).map { _ in
                        alphabet.randomElement(using: &generator) ?? "a"
                    })
                }
            }
            let text = table.map { row in
                row.map { field in
                    let parts = field.split(separator: "\"", omittingEmptySubsequences: false)
                    return "\"\(parts.joined(separator: "\"\""))\""
                }.joined(separator: ",")
            }.joined(separator: "\n")
            #expect(try records(text).map { $0.map { Array($0.utf8) } } == table.map { $0.map { Array($0.utf8) } },
                "seed \(seed)")
        }
    }
}

/// A small seeded generator (S. Vigna, splitmix64), so that a failure can be repeated.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
