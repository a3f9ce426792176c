import Synchronization

/// A limit on the memory that requests, or what they started, take at once.
///
/// Whoever needs memory takes a share before, and is refused when the budget is spent; a share is given back when its
/// owner lets go of it. Shares are estimates of memory, not counts of bytes received: a body of `[1,1,1,…]` takes
/// thirty times its length once it is read. A share above the whole limit is given when nobody else has one, so that
/// whatever the other limits allow can be done, one at a time.
package final class MemoryBudget: Sendable {
    package let bytesMax: Int
    private let taken = Mutex(0)

    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    package var takenBytes: Int { taken.withLock { $0 } }

    /// - Returns: nil when the budget is spent.
    package func share(of bytes: Int) -> Share? {
        let share = Share(of: self)
        return share.grow(to: bytes) ? share : nil
    }

    /// Whether a share would be given now.
    func hasRoom(for bytes: Int) -> Bool {
        taken.withLock { $0 == 0 || $0 + bytes <= bytesMax }
    }

    /// Memory that is taken already, such as that of executions recovered after a restart.
    package func forcedShare(of bytes: Int) -> Share {
        let share = Share(of: self)
        share.set(bytes)
        return share
    }

    /// Takes a share from `bytes` to `newBytes` if there is room, or if nobody else has anything.
    private func grow(from bytes: Int, to newBytes: Int) -> Bool {
        taken.withLock { taken in
            let isAlone = taken == bytes
            guard isAlone || taken + newBytes - bytes <= bytesMax else { return false }
            taken += newBytes - bytes
            return true
        }
    }

    private func change(by difference: Int) { taken.withLock { $0 += difference } }

    /// A part of the budget, given back with the last reference.
    package final class Share: Sendable {
        private let budget: MemoryBudget
        private let bytes = Mutex(0)

        fileprivate init(of budget: MemoryBudget) { self.budget = budget }

        deinit { set(0) }

        package var byteCount: Int { bytes.withLock { $0 } }

        /// - Returns: false when the budget is spent; the share is then as it was.
        package func grow(to newBytes: Int) -> Bool {
            bytes.withLock { bytes in
                guard newBytes > bytes else { return true }
                guard budget.grow(from: bytes, to: newBytes) else { return false }
                bytes = newBytes
                return true
            }
        }

        /// Takes the share to `newBytes` even if that is more than there is.
        package func set(_ newBytes: Int) {
            bytes.withLock { bytes in
                budget.change(by: newBytes - bytes)
                bytes = newBytes
            }
        }
    }
}
