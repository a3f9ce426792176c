package import NIOCore
import NIOPosix

/// A TCP client that shares no code with the server: speaks HTTP/1.1 and WebSocket by hand, one call at a time.
package final class TestClient {
    package struct Reply: Sendable {
        /// `1.1`
        package var version: String
        package var status: Int
        /// Names in lower case.
        package var headers: [(name: String, value: String)]
        package var body: [UInt8]

        package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    package struct Frame: Hashable, Sendable {
        package var opcode: UInt8
        package var payload: [UInt8]

        package init(opcode: UInt8, payload: [UInt8]) {
            self.opcode = opcode
            self.payload = payload
        }

        package var text: String { String(decoding: payload, as: UTF8.self) }
        package var closeCode: Int? {
            opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
        }
    }

    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    package let channel: any Channel
    private var chunks: AsyncStream<ByteBuffer>.AsyncIterator
    private var buffer: [UInt8] = []
    private var position = 0
    private let port: Int

    /// - Parameter closesWithServer: whether the client closes its side, too, once the server has closed its own.
    package init(port: Int, closesWithServer: Bool = true) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Collector(continuation, closesWithServer: closesWithServer))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        chunks = stream.makeAsyncIterator()
        self.port = port
    }

    deinit { channel.close(promise: nil) }

    package func close() async throws { try await channel.close() }

    /// Closes the sending side only.
    package func closeOutput() async throws { try await channel.close(mode: .output).get() }

    /// Stops or resumes taking bytes from the kernel, as a client does that is busy.
    package func setReading(_ isReading: Bool) async throws {
        try await channel.setOption(ChannelOptions.autoRead, value: isReading).get()
        if isReading { channel.read() }
    }

    package func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    package func write(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    // MARK: HTTP

    package func request(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: String? = nil
    ) async throws -> Reply {
        try await send(method, path, headers: headers, body: body)
        return try await reply(hasBody: method != "HEAD")
    }

    package func send(_ method: String, _ path: String, headers: [(String, String)] = [], body: String? = nil)
        async throws
    {
        var text = "\(method) \(path) HTTP/1.1\r\n"
        if !headers.contains(where: { $0.0 == "host" }) { text += "host: 127.0.0.1:\(port)\r\n" }
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if let body, !headers.contains(where: { $0.0 == "content-length" }) {
            text += "content-length: \(body.utf8.count)\r\n"
        }
        try await write(text + "\r\n" + (body ?? ""))
    }

    package func reply(hasBody: Bool = true) async throws -> Reply {
        var reply = try await head()
        guard hasBody, reply.status >= 200, reply.status != 204, reply.status != 304 else { return reply }
        if let length = reply.header("content-length").flatMap({ Int($0) }) {
            reply.body = try await take(length)
        } else if reply.header("transfer-encoding") == "chunked" {
            while let chunk = try await chunk() { reply.body += chunk }
        } else if reply.status >= 200, reply.header("connection") == "close" {
            while await fill() {}
            reply.body = try await take(buffer.count - position)
        }
        return reply
    }

    package func head() async throws -> Reply {
        let status = try await line().split(separator: " ")
        guard status.count >= 2, let code = Int(status[1]) else { throw Failure(description: "no status line") }
        var headers: [(String, String)] = []
        while case let line = try await line(), !line.isEmpty {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { throw Failure(description: "bad header \(line)") }
            headers.append((parts[0].lowercased(), String(parts[1].drop { $0 == " " })))
        }
        return Reply(version: String(status[0].dropFirst("HTTP/".count)), status: code, headers: headers, body: [])
    }

    /// The next chunk of a chunked body; nil at its end.
    package func chunk() async throws -> [UInt8]? {
        guard let size = Int(try await line(), radix: 16) else { throw Failure(description: "bad chunk size") }
        let bytes = try await take(size)
        _ = try await line()
        return size == 0 ? nil : bytes
    }

    // MARK: server-sent events

    package struct ServerSentEvent: Hashable, Sendable {
        package var id: String?
        package var type: String?
        package var data: String

        package init(id: String? = nil, type: String? = nil, data: String) {
            self.id = id
            self.type = type
            self.data = data
        }
    }

    private var eventText: [UInt8] = []

    /// The next event, comments skipped; nil when the stream ends.
    package func serverSentEvent() async throws -> ServerSentEvent? {
        while true {
            if let end = eventText.firstRange(of: Array("\n\n".utf8)) {
                let text = String(decoding: eventText[..<end.lowerBound], as: UTF8.self)
                eventText.removeFirst(end.upperBound)
                var event = ServerSentEvent(data: "")
                for line in text.split(separator: "\n") {
                    if line.hasPrefix("id: ") { event.id = String(line.dropFirst(4)) }
                    if line.hasPrefix("event: ") { event.type = String(line.dropFirst(7)) }
                    if line.hasPrefix("data: ") { event.data += line.dropFirst(6) }
                }
                if event.data.isEmpty { continue }
                return event
            }
            guard let chunk = try await chunk() else { return nil }
            eventText += chunk
        }
    }

    // MARK: WebSocket

    /// Asks for an upgrade and gives the answer; on 101 frames follow.
    package func upgrade(_ path: String, headers: [(String, String)] = []) async throws -> Reply {
        try await sendUpgrade(path, headers: headers)
        return try await reply()
    }

    package func sendUpgrade(_ path: String, headers: [(String, String)] = []) async throws {
        try await send(
            "GET", path,
            headers: [
                ("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ] + headers)
    }

    package func frame() async throws -> Frame {
        let head = try await take(2)
        guard head[0] & 0xF0 == 0x80, head[1] & 0x80 == 0 else { throw Failure(description: "bad frame \(head)") }
        var length = Int(head[1])
        if length >= 126 {
            length = try await take(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
        }
        return Frame(opcode: head[0] & 0x0F, payload: try await take(length))
    }

    /// The next frame that is no ping; pings are answered.
    package func message() async throws -> Frame {
        while true {
            let frame = try await frame()
            guard frame.opcode == 9 else { return frame }
            try await send(frame: 10, payload: frame.payload)
        }
    }

    package func send(frame opcode: UInt8, payload: [UInt8]) async throws {
        let mask: [UInt8] = [1, 2, 3, 4]
        precondition(payload.count < 1 << 16)
        let length: [UInt8] =
            payload.count < 126
            ? [0x80 | UInt8(payload.count)] : [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        try await write([0x80 | opcode] + length + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] })
    }

    /// Waits until the server has closed the connection.
    /// - Returns: what it sent before that nobody took.
    @discardableResult
    package func end() async throws -> [UInt8] {
        while await fill() {}
        return try await take(buffer.count - position)
    }

    /// Writes again and again until the connection is gone, whatever the server has closed before.
    package func writeUntilGone() async {
        while (try? await write("more")) != nil {}
    }

    // MARK: bytes

    private func line() async throws -> String {
        while true {
            if let end = buffer[position...].firstRange(of: [13, 10]) {
                let text = String(decoding: buffer[position..<end.lowerBound], as: UTF8.self)
                position = end.upperBound
                return text
            }
            guard await fill() else { throw Failure(description: "the server closed the connection") }
        }
    }

    private func take(_ count: Int) async throws -> [UInt8] {
        while buffer.count - position < count {
            guard await fill() else { throw Failure(description: "the server closed the connection") }
        }
        defer { position += count }
        return Array(buffer[position..<position + count])
    }

    private func fill() async -> Bool {
        guard let chunk = await chunks.next() else { return false }
        if position > 1 << 16 {
            buffer.removeFirst(position)
            position = 0
        }
        buffer.append(contentsOf: chunk.readableBytesView)
        return true
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let continuation: AsyncStream<ByteBuffer>.Continuation
        private let closesWithServer: Bool

        init(_ continuation: AsyncStream<ByteBuffer>.Continuation, closesWithServer: Bool) {
            self.continuation = continuation
            self.closesWithServer = closesWithServer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { continuation.yield(unwrapInboundIn(data)) }
        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event, closesWithServer { context.close(promise: nil) }
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
