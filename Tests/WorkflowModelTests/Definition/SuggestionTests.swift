import Testing

@testable import WorkflowModel

@Suite("Suggestions")
struct SuggestionTests {
    /// Levenshtein's distance by its definition.
    private static func edits(_ left: Substring, _ right: Substring) -> Int {
        guard let a = left.first, let b = right.first else { return left.count + right.count }
        if a == b { return edits(left.dropFirst(), right.dropFirst()) }
        return 1
            + min(
                edits(left.dropFirst(), right), edits(left, right.dropFirst()),
                edits(left.dropFirst(), right.dropFirst()))
    }

    @Test("the first of the nearest words is found, at most two edits away")
    func nearest() {
        var random = SplitMix(state: 7)
        func word() -> String {
            String((0..<Int.random(in: 1...6, using: &random)).map { _ in "abc".randomElement(using: &random) ?? "a" })
        }
        for _ in 0..<500 {
            let unknown = word()
            let known = (0..<5).map { _ in word() }.filter { $0 != unknown }
            let distances = known.map { Self.edits(unknown[...], $0[...]) }
            let near = zip(known, distances).filter { $1 <= min(2, max(1, $0.utf8.count / 2)) }
            let expected = near.first { $0.1 == near.map(\.1).min() }?.0
            var suggestions = Suggestions()
            #expect(suggestions.nearest(to: unknown, among: known) == expected, "\(unknown) among \(known)")
        }
    }

    @Test("comparisons are bounded")
    func bounded() {
        var suggestions = Suggestions()
        let known = (0..<1_000).map { "name\($0 + 1_000)" }
        var found = 0
        for place in 0..<100 where suggestions.nearest(to: "nbme\(place + 1_000)", among: known) != nil { found += 1 }
        #expect(found == 20 && suggestions.comparisonsLeft == 0)
        #expect(suggestions.nearest(to: "name999", among: ["name9999999"]) == nil)
    }
}
