import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
@testable import WebServing

/// A WebSocket after its handshake: wherever the stream is cut, the same frames are answered.
enum WebSocketFuzzer {
    static func read(_ input: [UInt8]) {
        let (pieceBytes, stream) = input.pieceBytesAndRest
        let whole = answers([stream])
        let cut = answers(stream.pieces(of: pieceBytes))
        require(whole == cut, "the answers depend on how the stream is cut: \(whole) or \(cut)")
    }

    private static func answers(_ pieces: [ArraySlice<UInt8>]) -> [UInt8] {
        let channel = EmbeddedChannel()
        let session = CountingSession()
        let acceptance = WebSocketUpgrader.Acceptance(headers: HTTPHeaders()) { connection in
            connection.send([StreamMessage(sequence: 1, type: "test", bytes: Array("{}".utf8))])
            return session
        }
        let start = Start()
        do {
            try channel.pipeline.syncOperations.addHandler(start)
            try upgrader.addHandlers(to: channel.pipeline.syncOperations, after: start, acceptance)
        } catch {
            fatalError("the pipeline cannot be built: \(error)")
        }
        channel.embeddedEventLoop.run()
        for piece in pieces {
            _ = try? channel.writeInbound(ByteBuffer(bytes: piece))
            channel.embeddedEventLoop.run()
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        require(session.closedCount.withLock { $0 } == 1, "the session was not closed exactly once")
        var answers: [UInt8] = []
        while let bytes = try? channel.readOutbound(as: ByteBuffer.self) { answers += bytes.readableBytesView }
        return answers
    }

    /// Stands where the HTTP decoder is in the server.
    private final class Start: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
    }

    private final class CountingSession: StreamSession {
        let closedCount = Mutex(0)

        func hasRoom() {}
        func closed() { closedCount.withLock { $0 += 1 } }
    }

    private static let upgrader: WebSocketUpgrader = {
        let configuration = WebServerConfiguration()
        guard let rules = try? AccessRules(configuration) else { fatalError("loopback needs no tokens") }
        return WebSocketUpgrader(rules: rules, routes: RouteTree(), streams: configuration.streams)
    }()
}
