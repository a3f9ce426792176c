/// Which events of which executions were seen, so that copies are dropped.
///
/// A gap is filled later: an event is new although a higher sequence was seen. A program that runs for long forgets
/// executions at some point, say those that ended a week ago.
struct Seen {
    private struct Execution {
        /// Everything up to here was seen.
        var through = 0
        /// Seen beyond a gap.
        var beyond: Set<Int> = []
    }

    private var executions: [String: Execution] = [:]

    mutating func isNew(_ execution: String, _ sequence: Int) -> Bool {
        var seen = executions[execution] ?? Execution()
        guard sequence > seen.through, seen.beyond.insert(sequence).inserted else { return false }
        while seen.beyond.remove(seen.through + 1) != nil { seen.through += 1 }
        executions[execution] = seen
        return true
    }
}
