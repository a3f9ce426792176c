import Glibc

/// What a step host keeps on disk: the files in its temporary folder, and those of it that it has unlinked and still
/// uses.
struct FolderUsage: Hashable {
    /// How much of it there may be.
    struct Budget: Hashable, Sendable {
        var bytesMax: Int
        var filesMax: Int
        /// The step host's RLIMIT_FSIZE: the most that one file can take.
        var fileBytesMax: Int
    }

    struct ChangeTime: Hashable {
        /// Twice the longest tick of a kernel's coarse clock (CONFIG_HZ=100).
        private static let tickNanoseconds = 20_000_000

        var seconds: Int
        var nanoseconds: Int

        /// Whether a change from now on has a later time.
        var isPast: Bool {
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            return (now.tv_sec - seconds) * 1_000_000_000 + now.tv_nsec - nanoseconds > Self.tickNanoseconds
        }
    }

    /// Folders below folders; more are taken for an attempt to hide files.
    private static let depthMax = 64
    private static let blockBytes = 512

    private(set) var bytes = 0
    private(set) var files = 0
    /// Whether there is a folder that cannot be looked into.
    private(set) var isHidden = false

    /// What is beyond the budget, for people; nil when nothing is.
    func excess(over budget: Budget) -> String? {
        if isHidden {
            return "a folder in the temporary folder that nobody else can look into, or that is \(Self.depthMax) deep"
        }
        if files > budget.filesMax {
            return "more than \(budget.filesMax) files in the temporary folder"
        }
        if bytes > budget.bytesMax {
            return "more than \(budget.bytesMax) bytes in the temporary folder"
        }
        return nil
    }

    /// Counts the folder and what is below it; stops once it is beyond the budget, so that it costs no more than that.
    mutating func count(_ folder: String, in top: Int32, budget: Budget) {
        count(Array(folder.utf8CString), in: top, budget: budget, depth: 0)
    }

    private mutating func count(_ name: [CChar], in top: Int32, budget: Budget, depth: Int) {
        let directory = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard directory >= 0 else {
            // One that is gone by now, or is no folder any more, hides nothing; a lack of descriptors is the machine's.
            isHidden = isHidden || errno == EACCES
            return
        }
        defer { close(directory) }
        for entry in FolderRemoval.names(in: directory, max: budget.filesMax + 1 - files) {
            var status = stat()
            guard fstatat(directory, entry, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            files += 1
            bytes += status.st_blocks * Self.blockBytes
            guard excess(over: budget) == nil else { return }
            guard status.st_mode & S_IFMT == S_IFDIR else { continue }
            isHidden = isHidden || depth == Self.depthMax
            if !isHidden { count(entry, in: directory, budget: budget, depth: depth + 1) }
        }
    }

    /// Counts files of `folder` without a name that the process uses. One of which only a mapping is seen counts as
    /// large as a file can be.
    mutating func countUnnamed(of process: pid_t, in folder: String, fileBytesMax: Int) {
        for file in ProcessRecords.unnamedFiles(of: process, in: folder) {
            files += 1
            bytes += file.bytes ?? fileBytesMax
        }
    }

    // MARK: Looks at the folder itself

    static func changeTime(of folder: String, in top: Int32) -> ChangeTime? {
        var status = stat()
        guard fstatat(top, folder, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return ChangeTime(seconds: status.st_ctim.tv_sec, nanoseconds: status.st_ctim.tv_nsec)
    }

    static func isEmpty(_ folder: String, in top: Int32) -> Bool {
        let directory = openat(top, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        // Its owner, the step host's user, may have closed it to everybody.
        guard directory >= 0 else { return false }
        defer { close(directory) }
        return FolderRemoval.names(in: directory, max: 1).isEmpty
    }
}
