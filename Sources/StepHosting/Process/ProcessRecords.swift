import Glibc

/// What the kernel tells of another process, mostly in `/proc/PID`.
enum ProcessRecords {
    /// A file that a process uses and that no folder has any more.
    struct UnnamedFile: Hashable {
        var inode: UInt
        /// What it takes on disk; nil when only its mapping is seen, which does not tell.
        var bytes: Int?
    }

    private static let blockBytes = 512
    /// What the kernel puts behind the last path of a file that was unlinked.
    private static let deletedMark = " (deleted)"

    /// Resident bytes, the second field of `statm` in pages; 0 when they cannot be read.
    static func residentBytes(of process: pid_t) -> Int {
        let fields = text("statm", of: process, bytesMax: 128).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Nanoseconds that all threads of the process have computed; 0 when they cannot be read.
    static func processorNanoseconds(of process: pid_t) -> Int64 {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else { return 0 }
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Whether the first thread has ended while others may run: `/proc/PID` shows neither files nor mappings then.
    static func isHeadless(_ process: pid_t) -> Bool {
        // The state, and the number of threads; that of a process which has ended is 1.
        guard let fields = fields(of: process), fields.count > 17 else { return false }
        return fields[0] == "Z" && fields[17] != "1"
    }

    /// Field 22 of `stat`, in clock ticks since the machine started: with it a number means one process only.
    static func startTime(of process: pid_t) -> String? {
        guard let fields = fields(of: process), fields.count > 19 else { return nil }
        return fields[19]
    }

    /// Files that the process holds open or has mapped, whose last path lay in the folder and which have none now.
    ///
    /// Files of other folders do not count: an upgrade unlinks the libraries that a process uses.
    static func unnamedFiles(of process: pid_t, in folder: String) -> [UnnamedFile] {
        let open = openFiles(of: process, in: folder + "/")
        let inodes = Set(open.map(\.inode))
        return open + mappedFiles(of: process, in: folder + "/").filter { !inodes.contains($0.inode) }
    }

    /// The path of a descriptor of this process, as the kernel writes it: without links.
    static func path(ofOwn descriptor: Int32) -> String? {
        let path = link(Array("/proc/self/fd/\(descriptor)".utf8CString), in: AT_FDCWD)
        return path.isEmpty ? nil : path
    }

    // MARK: Parts

    private static func openFiles(of process: pid_t, in prefix: String) -> [UnnamedFile] {
        let descriptors = open("/proc/\(process)/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptors >= 0 else { return [] }
        defer { close(descriptors) }
        var files: [UInt: UnnamedFile] = [:]
        for entry in FolderRemoval.names(in: descriptors, max: 4_096) {
            var status = stat()
            guard fstatat(descriptors, entry, &status, 0) == 0, status.st_mode & S_IFMT == S_IFREG,
                status.st_nlink == 0, link(entry, in: descriptors).hasPrefix(prefix)
            else { continue }
            files[status.st_ino] = UnnamedFile(inode: status.st_ino, bytes: status.st_blocks * blockBytes)
        }
        return Array(files.values)
    }

    private static func mappedFiles(of process: pid_t, in prefix: String) -> [UnnamedFile] {
        guard let file = fopen("/proc/\(process)/maps", "re") else { return [] }
        defer { fclose(file) }
        var inodes: Set<UInt> = []
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while case let count = getline(&line, &capacity, file), count > 0, let line {
            let text = UnsafeRawBufferPointer(start: line, count: count).dropLast()
            guard text.suffix(deletedMark.utf8.count).elementsEqual(deletedMark.utf8) else { continue }
            // ADDRESS PERMISSIONS OFFSET DEVICE INODE PATH
            let fields = text.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard fields.count == 6, let inode = UInt(String(decoding: fields[4], as: UTF8.self)) else { continue }
            let path = fields[5].drop { $0 == UInt8(ascii: " ") }
            if path.starts(with: prefix.utf8) { inodes.insert(inode) }
        }
        return inodes.map { UnnamedFile(inode: $0) }
    }

    private static func link(_ name: [CChar], in directory: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            let count = readlinkat(directory, name, base, buffer.count)
            return String(decoding: buffer[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// The fields of `stat` from the third on. The second is the program's name in parentheses, and may hold anything.
    private static func fields(of process: pid_t) -> [String]? {
        let text = text("stat", of: process, bytesMax: 1_024)
        guard let end = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: end)...].split(separator: " ").map(String.init)
    }

    private static func text(_ name: String, of process: pid_t, bytesMax: Int) -> String {
        let file = open("/proc/\(process)/\(name)", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        let count = retrying { read(file, &bytes, bytes.count) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
