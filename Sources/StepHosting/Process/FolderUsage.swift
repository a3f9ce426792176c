import Glibc

/// What a step host keeps on disk: the files in its temporary folder, and those it has unlinked and still holds.
struct FolderUsage: Hashable {
    /// How much of it there may be.
    struct Budget: Hashable, Sendable {
        var bytesMax: Int
        var filesMax: Int
        /// The step host's RLIMIT_FSIZE: the most that one file can take.
        var fileBytesMax: Int
    }

    struct ChangeTime: Hashable {
        var seconds: Int
        var nanoseconds: Int
    }

    /// Folders below folders; more are taken for an attempt to hide files.
    private static let depthMax = 64
    private static let blockBytes = 512

    private(set) var bytes = 0
    private(set) var files = 0

    /// What is beyond the budget, for people; nil when nothing is.
    func excess(over budget: Budget) -> String? {
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
        guard depth <= Self.depthMax else {
            files = budget.filesMax + 1
            return
        }
        let directory = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard directory >= 0 else { return }
        defer { close(directory) }
        for entry in FolderRemoval.names(in: directory, max: budget.filesMax + 1 - files) {
            var status = stat()
            guard fstatat(directory, entry, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            files += 1
            bytes += status.st_blocks * Self.blockBytes
            guard excess(over: budget) == nil else { return }
            if status.st_mode & S_IFMT == S_IFDIR { count(entry, in: directory, budget: budget, depth: depth + 1) }
        }
    }

    /// Counts files without a name that the process holds open or has mapped. Of a mapped one only its mapping is seen,
    /// so it counts as large as a file can be.
    mutating func countUnnamed(of process: pid_t, fileBytesMax: Int) {
        let descriptors = open("/proc/\(process)/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptors >= 0 else { return }
        defer { close(descriptors) }
        var seen: Set<UInt> = []
        for entry in FolderRemoval.names(in: descriptors, max: 4_096) {
            var status = stat()
            guard fstatat(descriptors, entry, &status, 0) == 0, status.st_mode & S_IFMT == S_IFREG,
                status.st_nlink == 0, seen.insert(status.st_ino).inserted
            else { continue }
            files += 1
            bytes += status.st_blocks * Self.blockBytes
        }
        for inode in Self.mappedWithoutName(of: process).subtracting(seen) where inode != 0 {
            files += 1
            bytes += fileBytesMax
        }
    }

    /// The inodes of `/proc/PID/maps` whose path ends in "(deleted)".
    private static func mappedWithoutName(of process: pid_t) -> Set<UInt> {
        guard let file = fopen("/proc/\(process)/maps", "re") else { return [] }
        defer { fclose(file) }
        var inodes: Set<UInt> = []
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while case let count = getline(&line, &capacity, file), count > 0, let line {
            let text = UnsafeRawBufferPointer(start: line, count: count)
            guard text.dropLast().suffix(9).elementsEqual("(deleted)".utf8) else { continue }
            // ADDRESS PERMISSIONS OFFSET DEVICE INODE PATH
            let fields = text.split(separator: UInt8(ascii: " "), maxSplits: 5)
            if fields.count > 4, let inode = UInt(String(decoding: fields[4], as: UTF8.self)) { inodes.insert(inode) }
        }
        return inodes
    }

    // MARK: Looks at the folder itself

    static func changeTime(of folder: String, in top: Int32) -> ChangeTime? {
        var status = stat()
        guard fstatat(top, folder, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return ChangeTime(seconds: status.st_ctim.tv_sec, nanoseconds: status.st_ctim.tv_nsec)
    }

    static func isEmpty(_ folder: String, in top: Int32) -> Bool {
        let directory = openat(top, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        // What cannot be looked into is emptied as well as can be.
        guard directory >= 0 else { return false }
        defer { close(directory) }
        return FolderRemoval.names(in: directory, max: 1).isEmpty
    }
}
