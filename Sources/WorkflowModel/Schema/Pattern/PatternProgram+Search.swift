extension PatternProgram {
    /// Whether the program matches anywhere in `text`; nil when `budget` ran out first.
    func search(_ text: ArraySlice<UInt32>, budget: inout WorkBudget) -> Bool? {
        run(from: 0, at: text.startIndex, isAnchored: false, text, &budget)
    }

    /// Steps every path through the text at once; each instruction is visited at most once a position.
    private func run(
        from start: Int, at first: Int, isAnchored: Bool, _ text: ArraySlice<UInt32>, _ budget: inout WorkBudget
    ) -> Bool? {
        var threads = ThreadSet(capacity: instructions.count)
        var next = ThreadSet(capacity: instructions.count)
        guard budget.spend(instructions.count) else { return nil }
        var position = first
        while true {
            if position == first || !isAnchored {
                switch follow(start, at: position, text, into: &threads, &budget) {
                case .none: return nil
                case .some(true): return true
                case .some(false): break
                }
            }
            guard position < text.endIndex, !(isAnchored && threads.isEmpty) else { return false }
            // A search that can only begin at the start of the text and has no path left is over.
            if threads.isEmpty && beginsAtTextStart { return false }
            let scalar = text[position]
            position += 1
            next.removeAll()
            for thread in threads.members {
                let accepts =
                    switch instructions[thread] {
                    case .scalar(let value): value == scalar
                    case .set(let index): budget.spend(sets[index].stepsMax) && sets[index].contains(scalar)
                    default: false
                    }
                guard accepts else { continue }
                switch follow(thread + 1, at: position, text, into: &next, &budget) {
                case .none: return nil
                case .some(true): return true
                case .some(false): break
                }
            }
            guard budget.spend(threads.members.count + 1) else { return nil }
            swap(&threads, &next)
        }
    }

    private var beginsAtTextStart: Bool { if case .textStart = instructions[0] { true } else { false } }

    /// Adds what is reachable from `start` without reading; true when that includes `match`.
    private func follow(
        _ start: Int, at position: Int, _ text: ArraySlice<UInt32>, into threads: inout ThreadSet,
        _ budget: inout WorkBudget
    ) -> Bool? {
        threads.pending.removeAll(keepingCapacity: true)
        threads.pending.append(start)
        while let index = threads.pending.popLast() {
            guard threads.visit(index) else { continue }
            guard budget.spend(1) else { return nil }
            switch instructions[index] {
            case .match: return true
            case .scalar, .set: threads.add(index)
            case .jump(let target): threads.pending.append(target)
            case .split(let first, let second):
                threads.pending.append(second)
                threads.pending.append(first)
            case .textStart: if position == text.startIndex { threads.pending.append(index + 1) }
            case .textEnd: if position == text.endIndex { threads.pending.append(index + 1) }
            case .wordBoundary(let isNegated):
                if isWordBoundary(position, text) != isNegated { threads.pending.append(index + 1) }
            case .lookahead(let next, let isNegated):
                guard let found = run(from: index + 1, at: position, isAnchored: true, text, &budget) else {
                    return nil
                }
                if found != isNegated { threads.pending.append(next) }
            }
        }
        return false
    }

    private func isWordBoundary(_ position: Int, _ text: ArraySlice<UInt32>) -> Bool {
        let before = position > text.startIndex && CharacterSet.wordCharacters.contains(text[position - 1])
        let after = position < text.endIndex && CharacterSet.wordCharacters.contains(text[position])
        return before != after
    }
}

/// The paths at one position: instructions that read a scalar, and which instructions were visited already.
private struct ThreadSet {
    private(set) var members: [Int] = []
    /// Instructions that are still to be followed; kept here so that it is allocated once.
    var pending: [Int] = []
    private var visitedIn: [UInt32]
    private var generation: UInt32 = 1

    init(capacity: Int) { visitedIn = Array(repeating: 0, count: capacity) }

    var isEmpty: Bool { members.isEmpty }

    /// Marks an instruction; false when it was marked before.
    mutating func visit(_ index: Int) -> Bool {
        guard visitedIn[index] != generation else { return false }
        visitedIn[index] = generation
        return true
    }

    mutating func add(_ index: Int) { members.append(index) }

    mutating func removeAll() {
        members.removeAll(keepingCapacity: true)
        generation += 1
    }
}
