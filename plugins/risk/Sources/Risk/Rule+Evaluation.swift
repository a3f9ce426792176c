extension Rule.Conditions {
    /// One sentence for each condition on the table; nil when one does not hold.
    func details(of profile: Profile) -> [String]? {
        all([
            rowCountBelow.map { (profile.rowCount < $0, "\(profile.rowCount) rows, fewer than \($0)") },
            rowCountAbove.map { (profile.rowCount > $0, "\(profile.rowCount) rows, more than \($0)") },
        ])
    }

    /// One sentence for each condition on a column; nil when one does not hold.
    func details(of column: Profile.Column, rowCount: Int) -> [String]? {
        all([
            missingAbove.map {
                (column.missing > $0, "\(column.missing) of \(rowCount) values missing, more than \($0)")
            },
            missingShareAbove.map {
                (
                    column.missingShare > $0,
                    "\(percent(column.missingShare)) of values missing, more than \(percent($0))"
                )
            },
            distinctBelow.map { (column.distinct < $0, "\(column.distinct) distinct values, fewer than \($0)") },
            distinctAbove.map { (column.distinct > $0, "\(column.distinct) distinct values, more than \($0)") },
            minBelow.map { limit in
                guard let least = column.min?.number else { return (false, "") }
                return (least < limit, "the minimum \(plain(least)) is below \(plain(limit))")
            },
            maxAbove.map { limit in
                guard let greatest = column.max?.number else { return (false, "") }
                return (greatest > limit, "the maximum \(plain(greatest)) is above \(plain(limit))")
            },
            typeIsNot.map { (column.type != $0, "the type is \(column.type), not \($0)") },
        ])
    }

    private func all(_ conditions: [(holds: Bool, detail: String)?]) -> [String]? {
        let given = conditions.compactMap { $0 }
        return given.allSatisfy(\.holds) ? given.map(\.detail) : nil
    }
}

/// `0.0319…` → `3.2 %`.
private func percent(_ share: Double) -> String {
    plain((share * 1_000).rounded() / 10) + " %"
}

/// Without the `.0` of a whole number.
private func plain(_ number: Double) -> String {
    Int64(exactly: number).map(String.init) ?? String(number)
}
