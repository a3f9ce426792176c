import Glibc
import Synchronization
import WorkflowEngine

/// The lock that makes one process the owner of a data directory.
///
/// An open-file-description lock: the kernel drops it when the process dies, whatever kills it, and a child that was
/// started by `exec` does not hold it. The file keeps the holder's process number for the error of the second comer.
final class DirectoryLock: Sendable {
    /// F_OFD_SETLK of <fcntl.h>, which hides it without _GNU_SOURCE.
    private static let setLock: Int32 = 37

    private let descriptor: Mutex<Int32?>

    init(path: String) throws(JournalError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw JournalError(.inputOutput, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        var whole = flock()
        whole.l_type = Int16(F_WRLCK)
        whole.l_whence = Int16(SEEK_SET)
        guard fcntl(file, Self.setLock, &whole) == 0 else {
            let code = errno
            defer { Glibc.close(file) }
            guard code == EAGAIN || code == EACCES else {
                throw JournalError(.inputOutput, "cannot lock \(path): \(String(cString: strerror(code)))")
            }
            let holder = Self.holder(file).map { "process \($0)" } ?? "another process"
            throw JournalError(.locked, "\(holder) holds \(path): one orchestrator at a time on a data directory")
        }
        let text = Array("\(getpid())\n".utf8)
        // The number is for people: a disk too full to write it does not matter.
        if ftruncate(file, 0) == 0 { _ = pwrite(file, text, text.count, 0) }
        descriptor = Mutex(file)
    }

    deinit { release() }

    func release() {
        descriptor.withLock { file in
            guard let open = file else { return }
            // Closing alone is too little: a child between its fork and its exec holds the same description.
            var whole = flock()
            whole.l_type = Int16(F_UNLCK)
            whole.l_whence = Int16(SEEK_SET)
            _ = fcntl(open, Self.setLock, &whole)
            Glibc.close(open)
            file = nil
        }
    }

    private static func holder(_ file: Int32) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
