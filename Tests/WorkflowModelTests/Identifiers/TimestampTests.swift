import FoundationEssentials
import Testing
import WorkflowModel

@Suite("Timestamps")
struct TimestampTests {
    @Test("text agrees with Foundation's for random moments from 1600 to 9999, and reads back")
    func foundation() throws {
        let style = Date.ISO8601FormatStyle(timeZone: .gmt)
        var random = SeededGenerator(seed: 42)
        for _ in 0..<3000 {
            let seconds = Int64.random(in: -11_676_096_000..<253_402_300_800, using: &random)
            let fraction = Int64.random(in: 0..<1_000_000, using: &random)
            let time = Timestamp(microseconds: seconds * 1_000_000 + fraction)
            let whole = style.format(Date(timeIntervalSince1970: Double(seconds))).dropLast()
            let decimals = String(1_000_000 + fraction).dropFirst()
            #expect(time.description == "\(whole).\(decimals)Z", "seed 42, \(time.microseconds) µs")
            #expect(Timestamp(time.description) == time, "seed 42, \(time.microseconds) µs")
        }
    }

    @Test(
        "known moments have their known texts",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_767_607_200_123_456, "2026-01-05T10:00:00.123456Z"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        ] as [(Int64, String)])
    func known(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
        #expect(Timestamp(text)?.microseconds == microseconds)
    }

    @Test("moments beyond four-digit years are written as the nearest that has a text")
    func extremes() {
        #expect(Timestamp(microseconds: .max).description == "9999-12-31T23:59:59.999999Z")
        #expect(Timestamp(microseconds: .min).description == "0000-01-01T00:00:00.000000Z")
    }

    @Test("fewer decimals are read, more are not")
    func decimals() {
        #expect(Timestamp("1970-01-01T00:00:01Z")?.microseconds == 1_000_000)
        #expect(Timestamp("1970-01-01T00:00:01.5Z")?.microseconds == 1_500_000)
        #expect(Timestamp("1970-01-01T00:00:01.000001Z")?.microseconds == 1_000_001)
        #expect(Timestamp("1970-01-01T00:00:01.0000001Z") == nil)
    }

    @Test(
        "no other text is a moment",
        arguments: [
            "", "2026-01-05", "2026-01-05T10:00:00", "2026-01-05T10:00:00+00:00", "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-00T00:00:00Z",
            "2026-01-05T24:00:00Z", "2026-01-05T10:60:00Z", "2026-01-05T10:00:60Z", "2026-01-05 10:00:00Z",
            "2026-01-05T10:00:00.Z", "2026-1-05T10:00:00.00Z", "+026-01-05T10:00:00Z", "1900-02-29T00:00:00Z",
            "2026-01-05T10:00:00,5Z", "2026-01-05T10:00:00Zé",
        ])
    func refused(_ text: String) { #expect(Timestamp(text) == nil) }

    @Test("arithmetic with durations keeps microseconds and saturates")
    func arithmetic() {
        let time = Timestamp(microseconds: 5)
        #expect((time + .milliseconds(2)).microseconds == 2005)
        #expect(Timestamp(microseconds: 2005) - time == .milliseconds(2))
        #expect((Timestamp(microseconds: .max) + .seconds(1)).microseconds == .max)
        #expect((Timestamp(microseconds: .min) + .seconds(-1)).microseconds == .min)
        #expect((Timestamp(microseconds: .min) - Timestamp(microseconds: 1)).microseconds == .min)
        #expect((Timestamp(microseconds: .max) - Timestamp(microseconds: -1)).microseconds == .max)
        #expect(Duration.seconds(Int64.max).microseconds == .max)
        #expect(Duration.seconds(Int64.min).microseconds == .min)
        #expect(Duration.nanoseconds(1999).microseconds == 1)
        #expect(Duration.nanoseconds(-1999).microseconds == -1)
        #expect(Duration.microseconds(12_345).milliseconds == 12.345)
    }
}
