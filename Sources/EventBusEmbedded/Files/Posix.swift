import EventBus
import Glibc

/// The few system calls the bus makes itself, with errors as `BusError`.
enum Posix {
    static func error(_ action: String, code: Int32 = errno) -> BusError {
        let text = String(cString: strerror(code))
        return BusError(code == ENOSPC || code == EDQUOT ? .diskFull : .inputOutput, "\(action): \(text)")
    }

    /// Creates the directory and its parents, readable by the owner and the group.
    static func makeDirectory(_ path: String) throws(BusError) {
        var status = stat()
        if stat(path, &status) == 0 { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeDirectory(String(path[..<slash]))
        }
        // Another role may create it at the same moment.
        if mkdir(path, 0o750) != 0, errno != EEXIST { throw error("cannot create \(path)") }
    }

    /// For a consumer's own state.
    static let privateMode: UInt32 = 0o600
    /// For topics: consumers of other users read them as members of the directory's group.
    static let topicMode: UInt32 = 0o640

    /// Creates an SQLite file with these permissions, or removes all others from an existing file and its log.
    ///
    /// An existing file is not opened here, because closing any descriptor of it would release the locks that SQLite
    /// holds on it in this process (fcntl(2), advisory record locks).
    static func restrict(_ path: String, mode: UInt32) {
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        if file >= 0 {
            close(file)
            return
        }
        for suffix in ["", "-wal", "-shm"] {
            var status = stat()
            if stat(path + suffix, &status) == 0 { _ = chmod(path + suffix, status.st_mode & mode) }
        }
    }

    /// Whether a file of at least one byte is there; an empty one has no schema yet.
    static func hasContent(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_size > 0
    }

    /// Device and inode of the file that the path names; nil when no file is there.
    /// - Throws: `inputOutput` when that cannot be found out, for lack of memory or rights or because the disk fails.
    static func identity(of path: String) throws(BusError) -> [UInt64]? {
        var status = stat()
        if stat(path, &status) == 0 { return [UInt64(status.st_dev), UInt64(status.st_ino)] }
        guard errno == ENOENT || errno == ENOTDIR else { throw error("cannot look at \(path)") }
        return nil
    }

    static func setNonBlocking(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// Milliseconds of the wall clock since 1970.
    static func wallClockMilliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    /// A name that becomes a file name: letters, digits, `.`, `_` and `-`, at most 100, no leading dot.
    static func checkName(_ name: String, of what: String) throws(BusError) {
        let legal = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard legal, (1...100).contains(name.utf8.count), !name.hasPrefix(".") else {
            throw BusError(
                .configuration,
                "the \(what) \"\(name)\" is not 1 to 100 letters, digits, '.', '_', '-', and no leading '.'")
        }
    }
}

/// A pipe that ends a `poll` from another thread.
final class WakePipe: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    init() throws(BusError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Posix.error("cannot create a pipe") }
        (readEnd, writeEnd) = (ends[0], ends[1])
        Posix.setNonBlocking(readEnd)
        Posix.setNonBlocking(writeEnd)
    }

    func wake() {
        var byte: UInt8 = 1
        // A full pipe already wakes.
        _ = write(writeEnd, &byte, 1)
    }

    func drain() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(readEnd, &bytes, bytes.count) > 0 {}
    }

    deinit {
        _ = close(readEnd)
        _ = close(writeEnd)
    }
}
