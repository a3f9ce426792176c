import NIOCore
import NIOEmbedded
import Testing

@testable import WebServing

@Suite("a WebSocket's end of the pipeline")
struct WebSocketHandlerTests {
    private struct Nobody: StreamSession {
        func hasRoom() {}
        func closed() {}
    }

    /// Keeps what is written on its way, as a full socket does.
    private final class FullSocket: ChannelOutboundHandler, RemovableChannelHandler {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func flush(context: ChannelHandlerContext) {}
    }

    @Test("a broken frame behind a close gets no second close")
    func oneClose() throws {
        let channel = EmbeddedChannel()
        let handler = WebSocketHandler(configuration: WebServerConfiguration.Streams()) { _ in Nobody() }
        let socket = FullSocket()
        try channel.pipeline.syncOperations.addHandlers([socket, handler])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.writeInbound(WebSocketMessage.close(code: 1000))
        channel.pipeline.fireErrorCaught(WebSocketFault.broken("a reserved bit is set"))
        channel.pipeline.syncOperations.removeHandler(socket, promise: nil)
        channel.flush()
        var written: [UInt8] = []
        while let part = try channel.readOutbound(as: ByteBuffer.self) { written += Array(part.readableBytesView) }
        #expect(written == [0x88, 2, 3, 232])
        _ = try channel.finish(acceptAlreadyClosed: true)
    }
}
