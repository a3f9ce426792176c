/// A regular expression of `pattern` and `patternProperties`: a subset of ECMA-262 with the `u` flag.
///
/// Matching simulates all paths at once (R. Cox, "Regular Expression Matching Can Be Simple And Fast", 2007), so its
/// cost is at most text × program and no pattern can backtrack without end. Left out, and refused when read:
/// back references and look-behind, which such a simulation cannot do, and the script properties of `\p{…}`, which
/// need tables the standard library does not offer.
struct Pattern: Sendable {
    let source: String
    private let program: PatternProgram

    /// - Throws: `PatternError` with the place of the first fault.
    init(_ source: String) throws(PatternError) {
        self.source = source
        var parser = PatternParser(source)
        program = try PatternProgram(try parser.pattern())
    }

    /// Whether the pattern matches anywhere in `text`; nil when `budget` ran out first.
    func matches(_ text: String, budget: inout WorkBudget) -> Bool? {
        let scalars = text.unicodeScalars.map(\.value)
        guard budget.spend(scalars.count) else { return nil }
        return program.search(scalars[...], budget: &budget)
    }
}

/// Why a pattern cannot be read, and where.
struct PatternError: Error, Hashable, Sendable {
    var message: String
    /// From 1, in Unicode scalars.
    var column: Int
}

/// A bound on the work of one validation; what has run out stays so.
struct WorkBudget: Sendable {
    private(set) var stepsLeft: Int
    private(set) var isExhausted = false

    init(stepsMax: Int) { stepsLeft = stepsMax }

    /// Takes `steps` away; false when they were not there.
    mutating func spend(_ steps: Int) -> Bool {
        stepsLeft -= steps
        if stepsLeft < 0 { isExhausted = true }
        return !isExhausted
    }
}
