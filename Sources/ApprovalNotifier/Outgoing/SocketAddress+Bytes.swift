import Glibc
import NIOCore

extension SocketAddress {
    /// The IP address's 4 or 16 bytes, in network order; empty for another kind.
    ///
    /// It stands behind the port in `sockaddr_in`, behind port and flow label in `sockaddr_in6` (RFC 3493 §3.3).
    var ipBytes: [UInt8] {
        let range: Range<Int>
        switch self {
        case .v4: range = 4..<8
        case .v6: range = 8..<24
        case .unixDomainSocket: return []
        }
        return unsafe withSockAddr { pointer, size in
            let bytes = unsafe UnsafeRawBufferPointer(start: pointer, count: size)
            return unsafe Array(bytes[range])
        }
    }
}
