extension ASCIIScanner {
    /// `date-time` of RFC 3339 §5.6; a leap second only where UTC can have one, at 23:59:60.
    mutating func dateTime() -> Bool {
        guard let year = number(digits: 4), take("-"), let month = number(digits: 2), take("-"),
            let day = number(digits: 2), take("T") || take("t"),
            let hour = number(digits: 2), take(":"), let minute = number(digits: 2), take(":"),
            let second = number(digits: 2)
        else { return false }
        if take("."), skip(while: Self.isDigit) == 0 { return false }
        guard let offset = offsetMinutes(), isAtEnd else { return false }
        guard (1...12).contains(month), day >= 1, day <= Self.days(inMonth: month, of: year) else { return false }
        guard hour < 24, minute < 60, second <= 60 else { return false }
        let minuteOfDay = (hour * 60 + minute - offset + 2 * 1440) % 1440
        return second < 60 || minuteOfDay == 1439
    }

    /// `Z` or `±hh:mm`.
    private mutating func offsetMinutes() -> Int? {
        if take("Z") || take("z") { return 0 }
        let isWest = take("-")
        guard isWest || take("+"), let hour = number(digits: 2), take(":"), let minute = number(digits: 2),
            hour < 24, minute < 60
        else { return nil }
        return (isWest ? -1 : 1) * (hour * 60 + minute)
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// 8-4-4-4-12 hexadecimal digits (RFC 9562 §4).
    mutating func uuid() -> Bool {
        for (index, digits) in [8, 4, 4, 4, 12].enumerated() {
            if index > 0 && !take("-") { return false }
            for _ in 0..<digits where take(where: Self.isHexDigit) == nil { return false }
        }
        return isAtEnd
    }
}
