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
        /// The time of the last change at which a folder was found empty.
        var seenEmpty: [String: FolderUsage.ChangeTime] = [:]
    }

    /// Numbers passed over because somebody else's folder is there.
    private static let takenMax = 10_000

    private let dataDirectory: String
    private let directory: String
    private let threads: NIOThreadPool
    private let shared = Mutex(Shared())

    /// - Parameter threads: where folders are removed.
    init(dataDirectory: String, threads: NIOThreadPool) {
        self.dataDirectory = dataDirectory
        directory = dataDirectory + "/run/hosts"
        self.threads = threads
    }

    /// Makes the folder of the folders, ends the step hosts that a server that was killed left behind, and removes what
    /// they had; once.
    func prepare() throws(HostingError) {
        guard shared.withLock({ $0.top < 0 }) else { return }
        let top = try DataDirectory.open(directory, below: dataDirectory, mode: 0o711)
        shared.withLock { $0.top = top }
        // A command may use the data directory of a running server: then the folders are not left over.
        guard flock(top, LOCK_EX | LOCK_NB) == 0 else { return }
        LeftoverHosts.end(in: top)
        FolderRemoval.removeAll(in: top)
    }

    fileprivate func mark(_ name: String, process: pid_t) {
        let top = shared.withLock { $0.top }
        LeftoverHosts.mark(process, as: name, in: top)
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
            if shared.top >= 0 {
                // Closing alone is too little: a child between its fork and its exec holds the same description.
                _ = flock(shared.top, LOCK_UN)
                _ = Glibc.close(shared.top)
            }
            shared.top = -1
        }
    }

    private func remove(named name: String) {
        // Whoever takes the name removes the folder, and only while the descriptor is open.
        let top: Int32? = shared.withLock { shared in
            shared.seenEmpty[name] = nil
            return shared.top >= 0 && shared.names.remove(name) != nil ? fcntl(shared.top, F_DUPFD_CLOEXEC, 0) : nil
        }
        guard let top, top >= 0 else { return }
        FolderRemoval.remove(name, in: top)
        LeftoverHosts.unmark(name, in: top)
        _ = Glibc.close(top)
    }

    // MARK: For the folder of one host

    /// Whether there is anything in the folder. The folder is read only when its change time, which no process can set,
    /// is another one than when it was last read and found empty.
    fileprivate func isDirty(_ name: String) -> Bool {
        // The descriptor stays open while there are hosts.
        let (top, seenEmpty) = shared.withLock { ($0.top, $0.seenEmpty[name]) }
        guard top >= 0, let changed = FolderUsage.changeTime(of: name, in: top) else { return false }
        if seenEmpty == changed { return false }
        guard FolderUsage.isEmpty(name, in: top) else { return true }
        // The kernel stamps changes with a clock that ticks every 1 to 10 ms: a change right after this look can have
        // the same time as the last one, so a time that is not past yet tells nothing later.
        shared.withLock { shared in
            if shared.names.contains(name) { shared.seenEmpty[name] = changed.isPast ? changed : nil }
        }
        return false
    }

    fileprivate func usage(_ name: String, of process: pid_t, budget: FolderUsage.Budget) -> FolderUsage {
        guard let top = duplicateTop() else { return FolderUsage() }
        defer { _ = Glibc.close(top) }
        var usage = FolderUsage()
        usage.count(name, in: top, budget: budget)
        let folder = "\(ProcessRecords.path(ofOwn: top) ?? directory)/\(name)"
        usage.countUnnamed(of: process, in: folder, fileBytesMax: budget.fileBytesMax)
        return usage
    }

    /// A descriptor of the folder of the folders, which `close` does not end; the caller closes it.
    private func duplicateTop() -> Int32? {
        shared.withLock { shared in
            guard shared.top >= 0 else { return nil }
            let copy = fcntl(shared.top, F_DUPFD_CLOEXEC, 0)
            return copy >= 0 ? copy : nil
        }
    }
}

/// The folder of one host.
struct HostFolder: Sendable {
    let path: String
    private let name: String
    private let folders: HostFolders

    init(path: String, folders: HostFolders) {
        self.path = path
        self.folders = folders
        name = String(path.split(separator: "/").last ?? "")
    }

    /// Notes whose folder it is, for a server that starts after this one was killed.
    func mark(process: pid_t) { folders.mark(name, process: process) }

    /// To be called when its host is gone.
    func remove() { folders.remove(path) }

    /// Whether a call left something in it.
    var isDirty: Bool { folders.isDirty(name) }

    /// What its files take; waits for the disk.
    func usage(of process: pid_t, budget: FolderUsage.Budget) -> FolderUsage {
        folders.usage(name, of: process, budget: budget)
    }
}
