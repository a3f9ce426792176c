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
            missingShareAbove.map { limit in
                (
                    column.missingShare > limit,
                    "\(Percent.text(column.missingShare, above: limit)) of values missing, "
                        + "more than \(Percent.text(limit))"
                )
            },
            distinctBelow.map { (column.distinct < $0, "\(column.distinct) distinct values, fewer than \($0)") },
            distinctAbove.map { (column.distinct > $0, "\(column.distinct) distinct values, more than \($0)") },
            minBelow.map { limit in
                guard let least = column.min?.number else { return (false, "") }
                return (least < limit, "the minimum \(least.text) is below \(limit.text)")
            },
            maxAbove.map { limit in
                guard let greatest = column.max?.number else { return (false, "") }
                return (limit < greatest, "the maximum \(greatest.text) is above \(limit.text)")
            },
            typeIsNot.map { (column.type != $0, "the type is \(column.type), not \($0)") },
        ])
    }

    private func all(_ conditions: [(holds: Bool, detail: String)?]) -> [String]? {
        let given = conditions.compactMap { $0 }
        return given.allSatisfy(\.holds) ? given.map(\.detail) : nil
    }
}
