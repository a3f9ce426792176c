import EventBus
import Glibc

/// The socket address of a doorbell, for directories of any length.
///
/// `sun_path` holds 108 bytes; a longer path is given through the open directory, `/proc/self/fd/N/<name>`, which the
/// kernel resolves for `bind` and `connect` alike.
enum DoorbellAddress {
    private static let pathBytesMax = 107
    /// `SOCK_CLOEXEC` of Linux' `sys/socket.h`.
    private static let closeOnExec: Int32 = 0o2000000

    static func with<Value>(
        directory: String, name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
    ) throws(BusError) -> Value {
        let path = "\(directory)/\(name)"
        if path.utf8.count <= pathBytesMax { return call(path, body) }
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Posix.error("cannot open \(directory)") }
        defer { _ = close(descriptor) }
        let short = "/proc/self/fd/\(descriptor)/\(name)"
        guard short.utf8.count <= pathBytesMax else {
            throw BusError(.configuration, "the socket name \(name) is too long")
        }
        return call(short, body)
    }

    private static func call<Value>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    static func makeSocket() throws(BusError) -> Int32 {
        // At creation: another thread may be starting a process.
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | closeOnExec, 0)
        guard descriptor >= 0 else { throw Posix.error("cannot create a socket") }
        Posix.setNonBlocking(descriptor)
        return descriptor
    }
}
