import EventBus
import Glibc
import Synchronization

/// An open-file-description lock: one holder over all processes and within one, gone with the holder's process.
///
/// The file holds the holder's process ID as text, for the message of whoever is refused. It is never removed: removing
/// a locked file would let two holders lock two files of the same name.
final class FileLock: Sendable {
    /// `F_OFD_SETLK` of Linux' `fcntl.h`, which the C library shows only to GNU sources.
    private static let setOpenFileDescriptionLock: Int32 = 37

    private let descriptor: Mutex<Int32>

    /// - Throws: the given code, naming the holder, when another holds it.
    init(path: String, taken: BusError.Code, purpose: String) throws(BusError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw Posix.error("cannot open \(path)") }
        var request = flock()
        request.l_type = Int16(F_WRLCK)
        request.l_whence = Int16(SEEK_SET)
        guard fcntl(file, Self.setOpenFileDescriptionLock, &request) == 0 else {
            let code = errno
            let holder = Self.holder(file)
            _ = close(file)
            guard code == EAGAIN || code == EACCES else { throw Posix.error("cannot lock \(path)", code: code) }
            throw BusError(taken, "\(purpose) is held by process \(holder ?? "(unknown)"): \(path)")
        }
        var text = Array("\(getpid())\n".utf8)
        _ = ftruncate(file, 0)
        guard pwrite(file, &text, text.count, 0) == text.count else {
            let refused = Posix.error("cannot write \(path)")
            _ = close(file)
            throw refused
        }
        descriptor = Mutex(file)
    }

    /// Lets the next holder in.
    func release() {
        descriptor.withLock { file in
            guard file >= 0 else { return }
            // Closing alone is too little: a child between its fork and its exec holds the same description.
            var request = flock()
            request.l_type = Int16(F_UNLCK)
            request.l_whence = Int16(SEEK_SET)
            _ = fcntl(file, Self.setOpenFileDescriptionLock, &request)
            _ = close(file)
            file = -1
        }
    }

    private static func holder(_ file: Int32) -> String? {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(file, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return digits.isEmpty ? nil : String(decoding: digits, as: UTF8.self)
    }

    deinit { release() }
}
