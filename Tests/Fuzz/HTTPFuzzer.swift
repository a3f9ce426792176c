import HummingbirdCore
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
@testable import WebServing

/// A connection as the server sets it up: wherever the stream is cut, the same requests and answers come out.
enum HTTPFuzzer {
    static func read(_ input: [UInt8]) {
        let (pieceBytes, stream) = input.pieceBytesAndRest
        let whole = Conversation([stream])
        let cut = Conversation(stream.pieces(of: pieceBytes))
        require(
            whole.requests == cut.requests,
            "the requests depend on how the stream is cut: \(whole.requests) or \(cut.requests)")
        require(
            whole.answers == cut.answers,
            "the answers depend on how the stream is cut: \(whole.answerText) or \(cut.answerText)")
    }

    private struct Conversation {
        private(set) var requests: [String] = []
        private(set) var answers: [UInt8] = []
        var answerText: String { String(decoding: answers, as: UTF8.self).debugDescription }

        init(_ pieces: [ArraySlice<UInt8>]) {
            let channel = EmbeddedChannel()
            let loop = channel.embeddedEventLoop
            let answerer = Answerer()
            let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
            _ = HTTPFuzzer.connection.setup(channel: channel, logger: logger)
            try? channel.pipeline.syncOperations.addHandler(answerer)
            channel.connect(to: HTTPFuzzer.address, promise: nil)
            for piece in pieces {
                _ = try? channel.writeInbound(ByteBuffer(bytes: piece))
                loop.run()
            }
            channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            _ = try? channel.finish(acceptAlreadyClosed: true)
            while let bytes = try? channel.readOutbound(as: ByteBuffer.self) { answers += bytes.readableBytesView }
            requests = answerer.requests
            answers = HTTPFuzzer.withoutDates(answers)
        }
    }

    /// Answers each request once it is whole, and what breaks off within one; looks its target up as the server does.
    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias InboundOut = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private(set) var requests: [String] = []
        private var isReceiving = false
        private var bodyByteCount = 0

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                isReceiving = true
                bodyByteCount = 0
                requests.append("\(head)")
                look(up: head)
            case .body(let bytes): bodyByteCount += bytes.readableBytes
            case .end(let trailers):
                isReceiving = false
                requests.append("\(bodyByteCount) \(trailers as Any)")
            }
            context.fireChannelRead(data)
            if !isReceiving { answer(context, .ok) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if isReceiving { answer(context, .badRequest) }
            isReceiving = false
            context.fireErrorCaught(error)
        }

        private func answer(_ context: ChannelHandlerContext, _ status: HTTPResponseStatus) {
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: ["content-length": "0"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }

        private func look(up head: HTTPRequestHead) {
            let uri = URI(head.uri)
            _ = HTTPFuzzer.connection.routes.match(uri.path)
            _ = try? WebQuery(uri.query ?? "")
            _ = try? Preconditions(
                match: head.headers.first(name: "if-match"), noneMatch: head.headers.first(name: "if-none-match"))
        }
    }

    private static func withoutDates(_ answers: [UInt8]) -> [UInt8] {
        Array(answers.split(separator: 0x0A).filter { !$0.starts(with: Array("date:".utf8)) }.joined(separator: [0x0A]))
    }

    private static let address: SocketAddress = {
        guard let address = try? SocketAddress(ipAddress: "127.0.0.1", port: 8000) else { fatalError("an address") }
        return address
    }()

    private static let connection: UpgradableChannel = {
        var router = WebRouter()
        router.get("/items/{name}") { _ in .noContent }
        router.put("/items/{name}") { _ in .noContent }
        router.stream("/stream") { _ in { _ in IdleSession() } }
        let configuration = WebServerConfiguration()
        guard let rules = try? AccessRules(configuration) else { fatalError("loopback needs no tokens") }
        return UpgradableChannel(
            responder: { _, _, _ in }, rules: rules, routes: router.tree, configuration: configuration)
    }()
}

/// A stream that has nothing to say.
struct IdleSession: StreamSession {
    func hasRoom() {}
    func closed() {}
}
