/// A pattern as instructions of a nondeterministic automaton.
struct PatternProgram: Sendable {
    /// Counted repetitions are written out, so they count here: `(a{100}){100}` is refused.
    static let instructionsMax = 10_000

    enum Instruction: Sendable {
        case scalar(UInt32)
        case set(Int)
        case split(Int, Int)
        case jump(Int)
        case textStart, textEnd
        case wordBoundary(isNegated: Bool)
        /// The look-ahead's own instructions follow, up to a `match`; the main path goes on at `next`.
        case lookahead(next: Int, isNegated: Bool)
        case match
    }

    private(set) var instructions: [Instruction] = []
    private(set) var sets: [CharacterSet] = []

    /// - Throws: `PatternError` when the pattern is too large.
    init(_ node: PatternNode) throws(PatternError) {
        try emit(node)
        try append(.match)
    }

    private mutating func append(_ instruction: Instruction) throws(PatternError) {
        guard instructions.count < Self.instructionsMax else {
            throw PatternError(message: "pattern exceeds \(Self.instructionsMax) instructions", column: 1)
        }
        instructions.append(instruction)
    }

    private mutating func emit(_ node: PatternNode) throws(PatternError) {
        switch node {
        case .empty: break
        case .scalar(let value): try append(.scalar(value))
        case .set(let set):
            let index = sets.firstIndex(of: set) ?? sets.count
            if index == sets.count { sets.append(set) }
            try append(.set(index))
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .alternatives(let branches): try emit(branches: branches)
        case .repeated(let node, let countMin, let countMax): try emit(node, countMin: countMin, countMax: countMax)
        case .textStart: try append(.textStart)
        case .textEnd: try append(.textEnd)
        case .wordBoundary(let isNegated): try append(.wordBoundary(isNegated: isNegated))
        case .lookahead(let node, let isNegated):
            let start = instructions.count
            try append(.lookahead(next: 0, isNegated: isNegated))
            try emit(node)
            try append(.match)
            instructions[start] = .lookahead(next: instructions.count, isNegated: isNegated)
        }
    }

    private mutating func emit(branches: [PatternNode]) throws(PatternError) {
        var jumps: [Int] = []
        for branch in branches.dropLast() {
            let split = instructions.count
            try append(.split(split + 1, 0))
            try emit(branch)
            jumps.append(instructions.count)
            try append(.jump(0))
            instructions[split] = .split(split + 1, instructions.count)
        }
        if let last = branches.last { try emit(last) }
        for jump in jumps { instructions[jump] = .jump(instructions.count) }
    }

    private mutating func emit(_ node: PatternNode, countMin: Int, countMax: Int?) throws(PatternError) {
        // What can only be empty needs no repetition; it would otherwise loop here without emitting anything.
        let before = instructions.count
        for index in 0..<countMin {
            try emit(node)
            if index == 0 && instructions.count == before { return }
        }
        guard let countMax else {
            let split = instructions.count
            try append(.split(split + 1, 0))
            try emit(node)
            try append(.jump(split))
            instructions[split] = .split(split + 1, instructions.count)
            return
        }
        var splits: [Int] = []
        for _ in countMin..<countMax {
            splits.append(instructions.count)
            try append(.split(0, 0))
            try emit(node)
        }
        for split in splits { instructions[split] = .split(split + 1, instructions.count) }
    }
}
