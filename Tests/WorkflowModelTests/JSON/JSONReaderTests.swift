import Testing
import WorkflowModel

@Suite("Reading JSON")
struct JSONReaderTests {
    private func read(_ text: String, _ limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONValue {
        try JSONValue(parsing: text, limits: limits)
    }

    private func fault(_ text: String, _ limits: JSONLimits = JSONLimits()) -> JSONError? {
        do throws(JSONError) {
            _ = try read(text, limits)
            return nil
        } catch {
            return error
        }
    }

    @Test("every kind of value is read, with members in their order")
    func kinds() throws {
        let value = try read(#" { "z" : [ null , true , false , -7 , 2.5 , "t" , {} , [] ] , "a" : 1 } "#)
        #expect(value == ["z": [nil, true, false, -7, 2.5, "t", [:], []], "a": 1])
        #expect(value.objectValue?.keys == ["z", "a"])
    }

    @Test("integers stay exact to the ends of 64 bits, and beyond are refused with their path")
    func integers() throws {
        for number in [Int64.min, .min + 1, -1, 0, 1, 9_007_199_254_740_993, .max - 1, .max] {
            guard case .int(let value) = try read("\(number)") else {
                Issue.record("\(number) is no integer")
                continue
            }
            #expect(value == number)
        }
        for number in ["9223372036854775808", "-9223372036854775809", "18446744073709551615"] {
            let found = try #require(fault("{\"a/b\": [1, {\"~é\": \(number)}]}"))
            #expect(found.path == "/a~1b/1/~0é" && found.line == 1 && found.column == 21)
            #expect("\(found)".hasPrefix("/a~1b/1/~0é: an integer beyond 64 bits"))
            // Where an order of magnitude does, such as a bound in a schema, the nearest double is taken.
            let near = try read(number, JSONLimits(wideIntegersRefused: false))
            #expect(near == .double(try #require(Double(number))))
            #expect(try read(number + ".0") == near)
        }
    }

    @Test("a byte-order mark before the text is skipped, and nowhere else")
    func byteOrderMark() throws {
        #expect(try read("\u{FEFF}{\"a\": 1}") == ["a": 1])
        #expect(try read("\u{FEFF} 7 ") == 7)
        #expect(try read("\"\u{FEFF}\"") == "\u{FEFF}")
        for text in ["\u{FEFF}", "\u{FEFF}\u{FEFF}1", "1\u{FEFF}", "[\u{FEFF}]"] { #expect(fault(text) != nil) }
    }

    @Test("a fraction or an exponent makes a double", arguments: [("1.0", 1.0), ("-0.5e-3", -0.0005), ("1E2", 100)])
    func doubles(_ text: String, _ expected: Double) throws {
        guard case .double(let value) = try read(text) else {
            Issue.record("\(text) is no double")
            return
        }
        #expect(value == expected)
    }

    @Test(
        "what RFC 8259 does not allow is refused at its place",
        arguments: [
            ("", 1, 1), ("  ", 1, 3), ("nul", 1, 4), ("nulL", 1, 4), ("[1,]", 1, 4), ("[1 2]", 1, 4), ("[1", 1, 3),
            ("{,}", 1, 2), ("{\"a\"}", 1, 5), ("{\"a\":1,}", 1, 8), ("{a:1}", 1, 2), ("01", 1, 2), ("-", 1, 2),
            ("1.", 1, 3), (".5", 1, 1), ("+1", 1, 1), ("1e", 1, 3), ("1e+", 1, 4), ("NaN", 1, 1), ("1 1", 1, 3),
            ("\"a", 1, 3), ("\"\n\"", 1, 2), ("\"\\x\"", 1, 4), ("\"\\u12g4\"", 1, 6), ("[\n1,\n x]", 3, 2),
            ("'a'", 1, 1), ("1e400", 1, 1), ("\"\\", 1, 3),
        ])
    func refused(_ text: String, _ line: Int, _ column: Int) throws {
        let error = try #require(fault(text))
        #expect((error.line, error.column) == (line, column), "\(error)")
    }

    @Test("escapes and surrogate pairs give their scalars")
    func escapes() throws {
        #expect(try read(#""\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\uDE00\u0000""#) == "\"\\/\u{8}\u{C}\n\r\té€😀\0")
    }

    @Test(
        "a lone surrogate is refused",
        arguments: [#""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\u0041""#, #""\ud800\ud800""#, #""\ud83d\n""#])
    func surrogates(_ text: String) { #expect(fault(text)?.message.contains("surrogate") == true) }

    @Test("bytes that are not UTF-8 are refused")
    func invalidUTF8() {
        for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0xF5, 0x80, 0x80, 0x80]] {
            #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
        }
    }

    @Test("a repeated member name is refused at its second place, or the last value wins where that is allowed")
    func duplicates() throws {
        #expect(fault(#"{"a":1,"b":2,"a":3}"#)?.column == 14)
        #expect(try read(#"{"a":1,"a":3}"#, JSONLimits(duplicateKeysRefused: false)) == ["a": 3])
        let many = (0..<40).map { "\"k\($0)\":0" }.joined(separator: ",")
        #expect(fault("{\(many),\"k39\":1}")?.message.contains("duplicate") == true)
    }

    @Test("canonically equivalent names are different names")
    func canonicalEquivalence() throws {
        for filler in ["", (0..<12).map { "\"k\($0)\":0," }.joined()] {
            let value = try read("{\(filler)\"\u{E9}\":1,\"e\u{301}\":2}")
            #expect(value["\u{E9}"] == 1)
            #expect(value["e\u{301}"] == 2)
        }
        #expect(JSONValue.string("\u{E9}") != JSONValue.string("e\u{301}"))
    }

    @Test("nesting and length are bounded")
    func limits() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(fault(nested(64)) == nil)
        #expect(fault(nested(65))?.message.contains("deeper than 64") == true)
        #expect(fault(nested(1_000_000))?.message.contains("deeper") == true)
        #expect(fault("[1]", JSONLimits(bytesMax: 3)) == nil)
        #expect(fault("[10]", JSONLimits(bytesMax: 3))?.message.contains("limit of 3") == true)
    }
}
