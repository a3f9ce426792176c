extension Duration {
    /// The forms a definition and the settings accept: `200ms`, `30s`, `5m`, `24h`, `7d`.
    package static let textForms = "a whole number and a unit, such as 200ms, 30s, 5m, 24h or 7d"

    /// Reads `200ms`, `30s`, `5m`, `24h` or `7d`; nil for anything else and for what overflows.
    package init?(parsing text: String) {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let count = Int64(String(decoding: digits, as: UTF8.self)) else { return nil }
        let millisecondsPerUnit: Int64
        switch String(decoding: text.utf8.dropFirst(digits.count), as: UTF8.self) {
        case "ms": millisecondsPerUnit = 1
        case "s": millisecondsPerUnit = 1000
        case "m": millisecondsPerUnit = 60_000
        case "h": millisecondsPerUnit = 3_600_000
        case "d": millisecondsPerUnit = 86_400_000
        default: return nil
        }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: millisecondsPerUnit)
        guard !overflow else { return nil }
        self = .milliseconds(milliseconds)
    }
}
