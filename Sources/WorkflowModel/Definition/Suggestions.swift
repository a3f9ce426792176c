/// Finds the known word that is nearest to one that is not known.
///
/// A definition may have 10,000 names and as many faults, so the work is bounded: words of another length are passed
/// over, and the others are compared up to `comparisonsLeft`, after which nothing is suggested.
package struct Suggestions {
    /// For all words together; 0.1 s of a debug build.
    package private(set) var comparisonsLeft = 20_000

    package init() {}

    /// Longer words are compared by their beginning.
    private static let wordBytesMax = 64
    private static let editsMax = 2

    /// The first of the nearest words, at most two edits away; nil when there is none.
    package mutating func nearest(to word: String, among known: some Sequence<String>) -> String? {
        let letters = Array(word.utf8.prefix(Self.wordBytesMax))
        var best: (word: String, edits: Int)?
        for candidate in known {
            let count = min(candidate.utf8.count, Self.wordBytesMax)
            let editsMax = min(Self.editsMax, max(1, count / 2), (best?.edits ?? .max) - 1)
            guard abs(count - letters.count) <= editsMax else { continue }
            guard comparisonsLeft > 0 else { return nil }
            comparisonsLeft -= 1
            let other = Array(candidate.utf8.prefix(Self.wordBytesMax))
            if let edits = Self.edits(letters, other, atMost: editsMax) { best = (candidate, edits) }
        }
        return best?.word
    }

    /// Edits from one word to the other: insert, delete, replace (Levenshtein); nil when more are needed.
    ///
    /// Only cells near the diagonal are computed: one that is further off than `editsMax` needs more edits than that.
    private static func edits(_ left: [UInt8], _ right: [UInt8], atMost editsMax: Int) -> Int? {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            let first = max(0, i - editsMax)
            let end = min(right.count, i + editsMax + 1)
            guard first < end else { return nil }
            var diagonal = row[first]
            // Left of the band: out of reach.
            row[first] = first == 0 ? i + 1 : editsMax + 1
            var lowest = row[first]
            for j in first..<end {
                // The last cell of the band had no row above it.
                let above = j == i + editsMax ? editsMax + 1 : row[j + 1] + 1
                let next = min(row[j] + 1, above, diagonal + (a == right[j] ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
                lowest = min(lowest, next)
            }
            if lowest > editsMax { return nil }
        }
        return row[right.count] <= editsMax ? row[right.count] : nil
    }
}
