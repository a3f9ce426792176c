import Glibc
import NIOPosix
import Synchronization

/// The private temporary folders of step hosts, `DATA/run/hosts/<n>`: each goes with everything in it once its host is
/// gone.
final class HostFolders: Sendable {
    private struct Shared {
        /// Held while this process may be using the folders; -1 before the start.
        var top: Int32 = -1
        var next = 1
        var names: Set<String> = []
    }

    /// Numbers passed over because somebody else's folder is there.
    private static let takenMax = 10_000

    private let directory: String
    private let threads: NIOThreadPool
    private let shared = Mutex(Shared())

    /// - Parameter threads: where folders are removed.
    init(dataDirectory: String, threads: NIOThreadPool) {
        directory = dataDirectory + "/run/hosts"
        self.threads = threads
    }

    /// Makes the folder of the folders, and removes what a server that was killed left there; once.
    func prepare() throws(HostingError) {
        guard shared.withLock({ $0.top < 0 }) else { return }
        try DataDirectory.make(directory, mode: 0o711)
        let top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard top >= 0 else {
            throw HostingError(.dataDirectory, "\(directory): \(String(cString: strerror(errno)))")
        }
        shared.withLock { $0.top = top }
        // A command may use the data directory of a running server: then the folders are not left over.
        guard flock(top, LOCK_EX | LOCK_NB) == 0 else { return }
        FolderRemoval.removeAll(in: top)
    }

    /// A new empty folder.
    func make() throws(HostSpawner.Failure) -> String {
        let made: Result<String, HostSpawner.Failure> = shared.withLock { shared in
            for _ in 0..<Self.takenMax {
                let name = String(shared.next)
                shared.next += 1
                if mkdirat(shared.top, name, 0o700) == 0 {
                    shared.names.insert(name)
                    return .success("\(directory)/\(name)")
                }
                if errno != EEXIST { break }
            }
            let reason = String(cString: strerror(errno))
            return .failure(HostSpawner.Failure(message: "no folder for a step host in \(directory): \(reason)"))
        }
        return try made.get()
    }

    /// Removes a folder that `make` gave, on a thread that may wait for a disk.
    func remove(_ folder: String) {
        guard let slash = folder.lastIndex(of: "/") else { return }
        let name = String(folder[folder.index(after: slash)...])
        // What the threads do not come to any more is left to `close`.
        threads.submit { state in if state == .active { self.remove(named: name) } }
    }

    /// Removes what is left. Every host is gone and no thread removes any more.
    func close() {
        for name in shared.withLock({ Array($0.names) }) { remove(named: name) }
        shared.withLock { shared in
            if shared.top >= 0 { _ = Glibc.close(shared.top) }
            shared.top = -1
        }
    }

    private func remove(named name: String) {
        // Whoever takes the name removes the folder, and only while the descriptor is open.
        let top: Int32? = shared.withLock { shared in
            shared.top >= 0 && shared.names.remove(name) != nil ? fcntl(shared.top, F_DUPFD_CLOEXEC, 0) : nil
        }
        guard let top, top >= 0 else { return }
        FolderRemoval.remove(name, in: top)
        _ = Glibc.close(top)
    }
}

/// The folder of one host.
struct HostFolder: Sendable {
    var path: String
    var folders: HostFolders

    /// To be called when its host is gone.
    func remove() { folders.remove(path) }
}

/// Removes folders that an untrusted process filled: whatever their depth, with two descriptors, following no link.
enum FolderRemoval {
    /// Entries looked at in one go.
    private static let batchMax = 4_096

    /// Removes `name` in the directory `top`, which only this process writes to. What cannot be removed stays.
    static func remove(_ folder: String, in top: Int32) { remove(Array(folder.utf8CString), in: top) }

    private static func remove(_ folder: [CChar], in top: Int32) {
        var pending = [folder]
        var moved = 0
        while let name = pending.popLast() {
            guard unlinkat(top, name, 0) != 0, unlinkat(top, name, AT_REMOVEDIR) != 0 else { continue }
            if geteuid() != 0 { _ = fchmodat(top, name, 0o700, 0) }
            let directory = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard directory >= 0 else { continue }
            defer { close(directory) }
            var isProgressing = true
            while isProgressing {
                isProgressing = false
                for entry in names(in: directory, max: batchMax) {
                    if unlinkat(directory, entry, 0) == 0 || unlinkat(directory, entry, AT_REMOVEDIR) == 0 {
                        isProgressing = true
                        continue
                    }
                    // A full directory is lifted to the top instead of descended into, so that depth costs nothing.
                    if geteuid() != 0 { _ = fchmodat(directory, entry, 0o700, 0) }
                    moved += 1
                    let lifted = folder.dropLast() + Array(".\(moved)".utf8CString)
                    guard renameat(directory, entry, top, lifted) == 0 else { continue }
                    isProgressing = true
                    pending.append(lifted)
                }
            }
            _ = unlinkat(top, name, AT_REMOVEDIR)
        }
    }

    /// Removes everything in the directory `top`.
    static func removeAll(in top: Int32) {
        for name in names(in: top, max: .max) { remove(name, in: top) }
    }

    /// At most `max` entries of a directory, from its beginning; as bytes, which need not be UTF-8.
    private static func names(in directory: Int32, max: Int) -> [[CChar]] {
        // Of its own description, so that reading starts at the beginning each time.
        let own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0, let handle = fdopendir(own) else {
            if own >= 0 { close(own) }
            return []
        }
        defer { closedir(handle) }
        var names: [[CChar]] = []
        while names.count < max, let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
            }
            let dot = CChar(bitPattern: UInt8(ascii: "."))
            if name != [dot, 0] && name != [dot, dot, 0] { names.append(name) }
        }
        return names
    }
}
