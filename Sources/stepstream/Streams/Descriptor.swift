import Glibc

/// Whole reads and writes on descriptors, blocking or not.
enum Descriptor {
    static func write(_ bytes: [UInt8], to descriptor: Int32, named place: String) throws(OutputError) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                offset += count
                continue
            }
            switch errno {
            case EINTR: break
            case EAGAIN: wait(descriptor, for: Int16(POLLOUT))
            case EPIPE: throw .closed
            default: throw .failed(place: place, errno: errno)
            }
        }
    }

    /// Reads to the end; nil when there are more bytes than `bytesMax`.
    /// - Throws: the error number.
    static func readAll(_ descriptor: Int32, bytesMax: Int) throws(Errno) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count > 0 {
                guard bytes.count + count <= bytesMax else { return nil }
                bytes += buffer.prefix(count)
                continue
            }
            switch errno {
            case EINTR: break
            case EAGAIN: wait(descriptor, for: Int16(POLLIN))
            default: throw Errno(code: errno)
            }
        }
    }

    /// Somebody else, such as a terminal's other program, may have made the descriptor non-blocking.
    private static func wait(_ descriptor: Int32, for events: Int16) {
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        _ = poll(&entry, 1, -1)
    }

    /// Gives each standard descriptor that is closed a place that refuses every use. Otherwise the next file that is
    /// opened would get its number, and output would be written into the journal.
    static func holdStandardStreams() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
            // The lowest free number is this one. It is opened for the other direction, so that its use is an error.
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}

/// An error number of the system's.
struct Errno: Error, CustomStringConvertible {
    var code: Int32
    var description: String { Platform.text(ofErrno: code) }
}
