extension Duration {
    /// Rounded down; 0 for what is negative, `Int64.max` for what does not fit.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        if overflow { return seconds < 0 ? 0 : .max }
        let (whole, isTooMuch) = milliseconds.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return isTooMuch ? .max : max(0, whole)
    }
}
