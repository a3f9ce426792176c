import WorkflowModel

/// What a request's body takes of the listener's memory, from its first byte until it has been read.
struct BodyMemory {
    /// What one value of a JSON text takes at the most, its place in a growing array included.
    private static let valueBytes = 64
    /// Shares grow by steps, so that not every packet has to take one.
    private static let stepBytes = 64 << 10

    private let share: MemoryBudget.Share

    /// - Throws: 429 `too_many_bytes`.
    init(_ budget: MemoryBudget) throws(Problem) {
        guard let share = budget.share(of: 0) else { throw Self.refusal }
        self.share = share
    }

    /// - Throws: 429 `too_many_bytes`.
    func hold(byteCount: Int) throws(Problem) {
        let steps = (byteCount + Self.stepBytes - 1) / Self.stepBytes
        guard share.grow(to: steps * Self.stepBytes) else { throw Self.refusal }
    }

    /// Takes what a body's values may need, before it is read as JSON.
    /// - Throws: 429 `too_many_bytes`.
    static func share(of budget: MemoryBudget, forJSON bytes: [UInt8]) throws(Problem) -> MemoryBudget.Share {
        guard let share = budget.share(of: 2 * bytes.count + valueBytes * valueCountMax(bytes)) else { throw refusal }
        return share
    }

    /// Refuses a body for whose values there is no room, before it is received.
    /// - Throws: 429 `too_many_bytes`.
    static func check(_ budget: MemoryBudget, announcedByteCount: Int) throws(Problem) {
        guard budget.hasRoom(for: 2 * announcedByteCount) else { throw refusal }
    }

    /// No text has more values than separators; those within strings are counted, too.
    private static func valueCountMax(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBufferPointer { bytes in
            var count = 1
            for byte in bytes where byte == 0x2C || byte == 0x5B || byte == 0x7B { count &+= 1 }
            return count
        }
    }

    private static let refusal = Problem(
        429, "too_many_bytes", "the server holds as many bytes of requests as it may; send it again later",
        headers: [WebHeader("retry-after", "1")])
}
