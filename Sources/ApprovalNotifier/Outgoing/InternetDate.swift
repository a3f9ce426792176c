import WorkflowModel

/// Dates of HTTP (RFC 9110 §5.6.7, IMF-fixdate) and of mail (RFC 5322 §3.3): English names, whatever the locale.
enum InternetDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `Mon, 05 Jan 2026 10:00:00 +0000`
    static func mail(_ time: Timestamp) -> String {
        // 1970-01-01 was a Thursday.
        let day = ((time.microseconds / 86_400_000_000) % 7 + 7) % 7
        let text = time.description
        let parts = text.prefix(10).split(separator: "-")
        let month = months[max(1, min(Int(parts[1]) ?? 1, 12)) - 1]
        return "\(days[Int(day)]), \(parts[2]) \(month) \(parts[0]) \(text.dropFirst(11).prefix(8)) +0000"
    }

    /// Reads the three forms that a recipient of HTTP has to accept; nil for anything else. `Sun, 06 Nov 1994 08:49:37
    /// GMT`, RFC 850's `Sunday, 06-Nov-94 08:49:37 GMT`, and asctime's `Sun Nov  6 08:49:37 1994`.
    ///
    /// - Parameter now: a year of two digits that lies more than 50 years ahead of it is one of the past.
    static func http(_ text: String, now: Timestamp) -> Timestamp? {
        let parts = text.split(separator: " ").map(String.init)
        switch parts.count {
        case 6 where parts[5] == "GMT" && parts[0].hasSuffix(","):
            return timestamp(year: parts[3], month: parts[2], day: parts[1], time: parts[4])
        case 4 where parts[3] == "GMT" && parts[0].hasSuffix(","):
            let date = parts[1].split(separator: "-").map(String.init)
            guard date.count == 3, date[2].utf8.count == 2, let short = Int(date[2]),
                let thisYear = Int(now.description.prefix(4))
            else { return nil }
            var year = thisYear / 100 * 100 + short
            if year > thisYear + 50 { year -= 100 }
            return timestamp(year: "\(year)", month: date[1], day: date[0], time: parts[2])
        case 5:
            let day = parts[2].utf8.count == 1 ? "0" + parts[2] : parts[2]
            return timestamp(year: parts[4], month: parts[1], day: day, time: parts[3])
        default: return nil
        }
    }

    private static func timestamp(year: String, month: String, day: String, time: String) -> Timestamp? {
        guard day.utf8.count == 2, let month = months.firstIndex(of: month) else { return nil }
        return Timestamp("\(year)-\(month < 9 ? "0" : "")\(month + 1)-\(day)T\(time)Z")
    }
}
