import Glibc

/// A kept-alive HTTP/1.1 connection on a blocking socket: a generator that costs little beside the server.
struct HTTPConnection: ~Copyable {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    /// - Throws: `CommandError` when nothing listens.
    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { [descriptor] in
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw CommandError(.failed, "nothing listens on 127.0.0.1:\(port)") }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(descriptor) }

    /// The request's bytes for `send`.
    static func request(_ method: String, _ path: String, _ body: [UInt8] = [], type: String = "application/json")
        -> [UInt8]
    {
        let head =
            "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + body
    }

    /// Sends one request and reads its whole answer.
    mutating func call(_ request: [UInt8]) throws -> (status: Int, body: [UInt8]) {
        try send(request)
        let head = try readHead()
        let length = Self.value(of: "content-length", in: head).flatMap { Int($0) } ?? 0
        while buffer.count < length { try fill() }
        let body = Array(buffer.prefix(length))
        buffer.removeFirst(length)
        return (Self.status(of: head), body)
    }

    /// Upgrades to WebSocket; the descriptor then carries frames and belongs to the caller.
    mutating func upgrade(_ path: String) throws -> (descriptor: Int32, rest: [UInt8]) {
        let request = """
            GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
            """
        try send(Array(request.utf8))
        let head = try readHead()
        guard Self.status(of: head) == 101 else {
            throw CommandError(.failed, "no WebSocket: \(String(decoding: head, as: UTF8.self))")
        }
        return (dup(descriptor), buffer)
    }

    private func send(_ bytes: [UInt8]) throws {
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw CommandError(.failed, "the server closed the connection") }
            offset += count
        }
    }

    private mutating func readHead() throws -> [UInt8] {
        while true {
            if let end = buffer.firstRange(of: [13, 10, 13, 10]) {
                let head = Array(buffer[..<end.lowerBound])
                buffer.removeFirst(end.upperBound)
                return head
            }
            try fill()
        }
    }

    private mutating func fill() throws {
        let room = 65_536
        let before = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: room))
        let count = buffer.withUnsafeMutableBytes { [descriptor] in
            recv(descriptor, $0.baseAddress?.advanced(by: before), room, 0)
        }
        buffer.removeLast(room - max(count, 0))
        guard count > 0 else { throw CommandError(.failed, "the server closed the connection") }
    }

    private static func status(of head: [UInt8]) -> Int {
        Int(String(decoding: head.dropFirst(9).prefix(3), as: UTF8.self)) ?? 0
    }

    private static func value(of name: String, in head: [UInt8]) -> String? {
        for line in String(decoding: head, as: UTF8.self).split(separator: "\r\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == name { return parts[1].trimmingPrefix(" ").description }
        }
        return nil
    }
}
