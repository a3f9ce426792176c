/// Holds deliveries back until all that stood on the topic beside their event has been read: it may settle them.
///
/// How much that is is measured once, as a count of events, so that a topic that never stands still holds nobody up.
struct CatchUpGate: Sendable {
    private struct Group {
        /// The count of events read at which it passes; nil until measured.
        var barrier: Int?
        var ids: [String]
    }

    private var groups: [Group] = []
    private var readCount = 0

    var isHolding: Bool { !groups.isEmpty }
    /// Whether some do not know yet what they wait for.
    var needsMeasure: Bool { groups.contains { $0.barrier == nil } }

    mutating func hold(_ ids: [String]) {
        if !ids.isEmpty { groups.append(Group(barrier: nil, ids: ids)) }
    }

    /// - Returns: what may be sent now that so many more events were read.
    mutating func read(_ count: Int) -> [String] {
        readCount += count
        return pass()
    }

    /// - Parameter lag: how many events were on the topic, unread, after everything that `read` was told of.
    /// - Returns: what may be sent.
    mutating func measured(lag: Int) -> [String] {
        for index in groups.indices {
            // Records that are no events count into a lag and are never read: nothing left is nothing left.
            if lag == 0 { groups[index].barrier = readCount } else if groups[index].barrier == nil {
                groups[index].barrier = readCount + lag
            }
        }
        return pass()
    }

    private mutating func pass() -> [String] {
        var passed: [String] = []
        groups.removeAll { group in
            guard let barrier = group.barrier, barrier <= readCount else { return false }
            passed += group.ids
            return true
        }
        return passed
    }
}
