/// A moment in UTC, in whole microseconds since 1970, written as RFC 3339 with six decimals.
///
/// The text has four digits for the year (RFC 3339 §5.6), so moments before 0000 and after 9999 are written as the
/// nearest moment that has a text; arithmetic saturates.
package struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    /// `2026-01-05T10:00:00.123456Z`
    package var description: String { String(decoding: text, as: UTF8.self) }

    /// The text as UTF-8.
    package var text: [UInt8] {
        var writer = JSONWriter(reserving: 27)
        append(to: &writer)
        return writer.bytes
    }

    /// Appends the text without quotes.
    func append(to writer: inout JSONWriter) {
        let written = min(max(microseconds, Self.textMin), Self.textMax)
        let (seconds, fraction) = written.quotientAndRemainderFlooring(dividingBy: 1_000_000)
        let (days, rest) = seconds.quotientAndRemainderFlooring(dividingBy: 86_400)
        let (year, month, day) = Self.civil(fromDays: days)
        // None is negative or beyond 32 bits here, where division is quicker.
        let (secondOfDay, decimals) = (UInt32(rest), UInt32(fraction))
        writer.twoDigits(UInt32(year) / 100)
        writer.twoDigits(UInt32(year) % 100)
        writer.raw(UInt8(ascii: "-"))
        writer.twoDigits(UInt32(month))
        writer.raw(UInt8(ascii: "-"))
        writer.twoDigits(UInt32(day))
        writer.raw(UInt8(ascii: "T"))
        writer.twoDigits(secondOfDay / 3600)
        writer.raw(UInt8(ascii: ":"))
        writer.twoDigits(secondOfDay / 60 % 60)
        writer.raw(UInt8(ascii: ":"))
        writer.twoDigits(secondOfDay % 60)
        writer.raw(UInt8(ascii: "."))
        writer.twoDigits(decimals / 10_000)
        writer.twoDigits(decimals / 100 % 100)
        writer.twoDigits(decimals % 100)
        writer.raw(UInt8(ascii: "Z"))
    }

    /// 0000-01-01T00:00:00.000000Z and 9999-12-31T23:59:59.999999Z.
    private static let textMin: Int64 = -62_167_219_200_000_000
    private static let textMax: Int64 = 253_402_300_799_999_999

    /// Reads what `description` writes, and any RFC 3339 time in UTC (`Z`) with up to six decimals; nil otherwise.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
                value = value * 10 + Int64(byte - UInt8(ascii: "0"))
            }
            return value
        }
        guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        var fraction: Int64 = 0
        if bytes.count > 20 {
            let decimals = bytes.count - 21
            guard bytes[19] == UInt8(ascii: "."), (1...6).contains(decimals),
                var value = number(20..<20 + decimals)
            else { return nil }
            for _ in decimals..<6 { value *= 10 }
            fraction = value
        }
        let days = Self.days(fromYear: year, month: month, day: day)
        microseconds = ((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + fraction
        guard Self.civil(fromDays: days) == (year, month, day) else { return nil }
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    package static func + (left: Timestamp, right: Duration) -> Timestamp {
        let (sum, overflow) = left.microseconds.addingReportingOverflow(right.microseconds)
        return Timestamp(microseconds: overflow ? (left.microseconds < 0 ? .min : .max) : sum)
    }

    package static func - (left: Timestamp, right: Timestamp) -> Duration {
        let (difference, overflow) = left.microseconds.subtractingReportingOverflow(right.microseconds)
        return .microseconds(overflow ? (left.microseconds < 0 ? .min : .max) : difference)
    }

    /// Proleptic Gregorian date of a day count, by the era arithmetic of H. Hinnant's "chrono-compatible date algorithms".
    private static func civil(fromDays days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = shifted.quotientAndRemainderFlooring(dividingBy: 146_097).quotient
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthShifted = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthShifted + 2) / 5 + 1
        let month = monthShifted < 10 ? monthShifted + 3 : monthShifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func days(fromYear year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted.quotientAndRemainderFlooring(dividingBy: 400).quotient
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension Duration {
    /// Whole microseconds, towards zero; saturates beyond 292,000 years.
    package var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, overflowAfter) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return overflow || overflowAfter ? (seconds < 0 ? .min : .max) : sum
    }

    /// Milliseconds as a double, for `*_ms` fields.
    package var milliseconds: Double { Double(microseconds) / 1000 }
}

extension Int64 {
    func quotientAndRemainderFlooring(dividingBy divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
