/// Durations as query parameters write them: a whole number and a unit, `500ms`, `30s`, `5m`, `1h`.
enum DurationText {
    /// nil for anything else, and beyond about 290 years.
    static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits) else { return nil }
        let millisecondsEach: Int64
        switch text.dropFirst(digits.count) {
        case "ms": millisecondsEach = 1
        case "s": millisecondsEach = 1000
        case "m": millisecondsEach = 60_000
        case "h": millisecondsEach = 3_600_000
        default: return nil
        }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: millisecondsEach)
        return overflow ? nil : .milliseconds(milliseconds)
    }
}
