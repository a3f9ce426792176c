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

    private let range: Range<uid_t>
    private let taken = Mutex<Set<uid_t>>([])

    init(_ range: Range<uid_t>) { self.range = range }

    /// The lowest user that no host has; nil when every one is taken.
    func take() -> Lease? {
        taken.withLock { taken in
            guard let id = range.first(where: { !taken.contains($0) }) else { return nil }
            taken.insert(id)
            return Lease(id: id, users: self)
        }
    }
}
