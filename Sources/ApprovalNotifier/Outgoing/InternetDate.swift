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

    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT`; nil for anything else.
    static func http(_ text: String) -> Timestamp? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", parts[1].utf8.count == 2,
            let month = months.firstIndex(where: { $0 == parts[2] })
        else { return nil }
        return Timestamp("\(parts[3])-\(month < 9 ? "0" : "")\(month + 1)-\(parts[1])T\(parts[4])Z")
    }
}
