import Glibc
import NIOCore

extension SocketAddress {
    /// Every address of a name, in the order of preference that the system's resolver gives (RFC 6724); blocks.
    static func all(ofHost host: String, port: Int) throws -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_protocol = Int32(IPPROTO_TCP)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, "\(port)", &hints, &list)
        guard status == 0 else { throw LookUpFailure(status: status) }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = unsafe list
        while let current = unsafe entry {
            unsafe entry = current.pointee.ai_next
            guard let address = unsafe current.pointee.ai_addr else { continue }
            let found: SocketAddress? =
                switch unsafe current.pointee.ai_family {
                case AF_INET:
                    unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                        unsafe SocketAddress($0.pointee)
                    }
                case AF_INET6:
                    unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                        unsafe SocketAddress($0.pointee)
                    }
                default: nil
                }
            if let found, !addresses.contains(found) { addresses.append(found) }
        }
        return addresses
    }

    private struct LookUpFailure: Error, CustomStringConvertible {
        let status: Int32
        var description: String { unsafe String(cString: gai_strerror(status)) }
    }
}
