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
        func end() { users.giveBack(id) }
    }

    /// Where the root servers of one machine tell each other which users their hosts have: the byte at a user's number
    /// is locked while a host has it. `/run` belongs to root, so no other user can take all of them.
    static let register = "/run/stepstream-host-users"

    /// From anywhere in the range, round it: servers that do not see one register (those of two containers) rarely
    /// meet in the same range.
    private let order: [uid_t]
    private let taken = Mutex<Set<uid_t>>([])
    /// -1 where there is none.
    private let register: Int32

    init(_ range: Range<uid_t>, register path: String = HostUsers.register) {
        let start = range.randomElement() ?? range.lowerBound
        order = Array(start..<range.upperBound) + Array(range.lowerBound..<start)
        register = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }

    deinit {
        for id in taken.withLock({ $0 }) { unlock(id) }
        if register >= 0 { close(register) }
    }

    /// A user that no host of this machine has, as far as the register tells; nil when every one is taken.
    func take() -> Lease? {
        taken.withLock { taken in
            guard let id = order.first(where: { !taken.contains($0) && lock($0) }) else { return nil }
            taken.insert(id)
            return Lease(id: id, users: self)
        }
    }

    private func giveBack(_ id: uid_t) {
        taken.withLock { taken in
            if taken.remove(id) != nil { unlock(id) }
        }
    }

    // MARK: The register

    /// `F_OFD_SETLK` of Linux' `fcntl.h`, which the C library shows only to GNU sources.
    private static let setLock: Int32 = 37

    /// False only when another server's host has the user: without a register every user counts as free.
    private func lock(_ id: uid_t) -> Bool {
        guard register >= 0 else { return true }
        return set(F_WRLCK, id) == 0 || (errno != EAGAIN && errno != EACCES)
    }

    /// Said to the kernel: a child between its fork and its exec would keep a lock that only a close gave back.
    private func unlock(_ id: uid_t) {
        if register >= 0 { _ = set(F_UNLCK, id) }
    }

    private func set(_ kind: Int32, _ id: uid_t) -> Int32 {
        var byte = flock()
        byte.l_type = Int16(kind)
        byte.l_whence = Int16(SEEK_SET)
        byte.l_start = off_t(id)
        byte.l_len = 1
        return fcntl(register, Self.setLock, &byte)
    }
}
