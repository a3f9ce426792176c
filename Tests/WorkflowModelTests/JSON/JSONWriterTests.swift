import Testing
import WorkflowModel

@Suite("Writing JSON")
struct JSONWriterTests {
    private func text(_ write: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        write(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("quote, backslash and control characters are escaped, nothing else")
    func escapes() {
        #expect(text { $0.string("a\"\\/\u{8}\u{C}\n\r\t\u{1}\u{1F}\u{7F}é😀") } ==
            #""a\"\\/\b\f\n\r\t\u0001\u001f"# + "\u{7F}é😀\"")
        #expect(text { $0.string("") } == #""""#)
        #expect(text { $0.string("\"") } == #""\"""#)
        #expect(text { $0.optionalString(nil) } == "null")
    }

    @Test("integers of every width are written in full")
    func integers() {
        for number in [Int64.min, .min + 1, -10, -9, -1, 0, 9, 10, 99, 100, 12345, .max] {
            #expect(text { $0.int(number) } == "\(number)")
        }
        #expect(text { $0.int(UInt64.max) } == "18446744073709551615")
        #expect(text { $0.int(UInt8(255)) } == "255")
    }

    @Test("an integral double has no fraction, others are the shortest that reads back")
    func doubles() {
        let cases: [(Double, String)] = [
            (1, "1"), (-0.0, "0"), (0.1, "0.1"), (-2.5, "-2.5"), (9_007_199_254_740_991, "9007199254740991"),
            (1e300, "1e+300"), (.leastNonzeroMagnitude, "5e-324"),
        ]
        for (value, expected) in cases { #expect(text { $0.double(value) } == expected) }
        // The magnitude of the least 64-bit integer is none itself.
        #expect(Double(text { $0.double(-0x1p63) }) == -0x1p63)
        for value in [Double.nan, .infinity, -.infinity] { #expect(text { $0.double(value) } == "null") }
    }

    @Test("milliseconds have at most three decimals")
    func milliseconds() {
        let cases: [(Double, String)] = [
            (0, "0"), (12.4, "12.4"), (0.0004, "0"), (0.0005, "0.001"), (0.057, "0.057"), (1042, "1042"),
            (30000.001, "30000.001"), (1.9996, "2"), (100.1, "100.1"), (-0.25, "-0.25"), (1e300, "1e+300"),
            (.infinity, "null"), (-0.0001, "0"),
        ]
        for (value, expected) in cases { #expect(text { $0.milliseconds(value) } == expected, "\(value)") }
    }

    @Test("milliseconds read back as the nearest double of their decimals")
    func millisecondsReadBack() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<5000 {
            let value = Double.random(in: 0..<100_000_000, using: &random)
            let rounded = (value * 1000).rounded() / 1000
            #expect(Double(text { $0.milliseconds(value) }) == rounded)
        }
    }
}

@Suite("JSON values")
struct JSONValueTests {
    @Test("what is written reads back the same, for random values")
    func roundTrips() throws {
        for seed in 1...300 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            let value = JSONValue.random(depth: 5, using: &random)
            let text = value.encodedText
            let again = try JSONValue(parsing: text)
            #expect(again == value, "seed \(seed)")
            #expect(again.encodedText == text, "seed \(seed)")
            #expect(again.hashValue == value.hashValue, "seed \(seed)")
        }
    }

    @Test("damaged text is refused or read, and never anything else")
    func mutations() {
        var refused = 0
        for seed in 1...2000 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            var bytes = JSONValue.random(depth: 4, using: &random).encoded
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
            do throws(JSONError) {
                let value = try JSONValue(parsing: bytes)
                #expect((try? JSONValue(parsing: value.encoded)) == value, "seed \(seed)")
            } catch {
                refused += 1
                #expect(error.line >= 1 && error.column >= 1, "seed \(seed)")
            }
        }
        #expect(refused > 0)
    }

    @Test("numbers are equal when they are mathematically equal, and hash alike")
    func numbers() {
        #expect(JSONValue.int(1) == .double(1))
        #expect(JSONValue.int(1).hashValue == JSONValue.double(1).hashValue)
        #expect(JSONValue.int(9_007_199_254_740_993) != .double(9_007_199_254_740_992))
        #expect(JSONValue.int(.max) != .double(0x1p63))
        #expect(JSONValue.int(1) != .bool(true))
    }

    @Test("objects are equal in any order, and hash by their members")
    func objects() {
        let left: JSONValue = ["a": 1, "b": [2]]
        #expect(left == ["b": [2.0], "a": 1])
        #expect(left.hashValue == (["b": [2], "a": 1] as JSONValue).hashValue)
        let hashes = Set((0..<1000).map { (["k": .int($0)] as JSONValue).hashValue })
        #expect(hashes.count > 900)
    }

    @Test("members can be replaced and removed below and above the index threshold")
    func members() {
        var object = JSONObject()
        for number in 0..<20 { object["k\(number)"] = .int(Int64(number)) }
        object["k3"] = "three"
        for number in 5..<18 { object["k\(number)"] = nil }
        #expect(object.keys == ["k0", "k1", "k2", "k3", "k4", "k18", "k19"])
        #expect(object["k3"] == "three")
        #expect(object["k18"] == 18)
        #expect(object["k9"] == nil)
    }
}
