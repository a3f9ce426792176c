import Glibc
import Synchronization

/// The users that step hosts become when the server runs as root: one each, so that no plugin can reach another's
/// process or files, and what the kernel counts by user is counted by plugin process.
///
/// A server that is not root cannot give its hosts a user of their own; they keep the server's.
final class HostUsers: Sendable {
    /// A user that one host has.
    struct Lease: Sendable {
        var id: uid_t
        fileprivate var users: HostUsers

        /// To be called when the host is gone.
        func end() { users.taken.withLock { _ = $0.remove(id) } }
    }

    /// From anywhere in the range, round it: two servers on one machine that were given the same range rarely meet.
    private let order: [uid_t]
    private let taken = Mutex<Set<uid_t>>([])

    init(_ range: Range<uid_t>) {
        let start = range.randomElement() ?? range.lowerBound
        order = Array(start..<range.upperBound) + Array(range.lowerBound..<start)
    }

    /// A user that no host of this server has; nil when every one is taken.
    func take() -> Lease? {
        taken.withLock { taken in
            guard let id = order.first(where: { !taken.contains($0) }) else { return nil }
            taken.insert(id)
            return Lease(id: id, users: self)
        }
    }
}
