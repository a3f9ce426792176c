/// Waiting calls, first in first out; any of them can be taken back without a search.
struct CallQueue {
    private var order: [UInt64] = []
    private var start = 0
    private var members: Set<UInt64> = []

    var count: Int { members.count }
    var isEmpty: Bool { members.isEmpty }

    mutating func append(_ call: UInt64) {
        order.append(call)
        members.insert(call)
    }

    mutating func prepend(_ call: UInt64) {
        if start > 0 {
            start -= 1
            order[start] = call
        } else {
            order.insert(call, at: 0)
        }
        members.insert(call)
    }

    mutating func remove(_ call: UInt64) -> Bool {
        guard members.remove(call) != nil else { return false }
        if members.isEmpty { (order, start) = ([], 0) }
        return true
    }

    mutating func popFirst() -> UInt64? {
        while start < order.count {
            let call = order[start]
            start += 1
            if start > 1024 && start > order.count / 2 {
                order.removeFirst(start)
                start = 0
            }
            if members.remove(call) != nil {
                if members.isEmpty { (order, start) = ([], 0) }
                return call
            }
        }
        return nil
    }
}
