@testable import WorkflowModel

/// Patterns: the first line is the pattern, the rest the text; a group around the pattern changes nothing.
enum PatternFuzzer {
    /// A tenth of what a check in the server may spend, since this build is about ten times slower.
    static let stepsMax = JSONSchema.stepsMax / 10

    static func read(_ input: [UInt8]) {
        guard let (source, text) = input.firstLineAndRest, let pattern = try? Pattern(source) else { return }
        let isMatch = matches(pattern, text)
        guard let wrapped = try? Pattern("(?:\(source))") else { return }
        let isWrappedMatch = matches(wrapped, text)
        guard let isMatch, let isWrappedMatch else { return }
        require(isMatch == isWrappedMatch, "a group changes what the pattern matches")
    }

    private static func matches(_ pattern: Pattern, _ text: String) -> Bool? {
        var budget = WorkBudget(stepsMax: stepsMax)
        return pattern.matches(text, budget: &budget)
    }
}
