import NIOCore
import NIOHTTP1

/// Decides with a connection's first request what it speaks, and looks after it until then.
///
/// An upgrade handler of our own: swift-nio's drops the head of a request that asks for an upgrade it does not get,
/// such as `Upgrade: h2c`, which Java's client sends with every first request.
final class FirstRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let timeout: TimeAmount
    private let upgrader: WebSocketUpgrader
    private let encoder: HTTPResponseEncoder
    private let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    private let becomeHTTP: (_ refusal: Problem?) throws -> UpgradableChannel.Outcome
    private let outcome: EventLoopPromise<UpgradableChannel.Outcome>
    private var accepted: WebSocketUpgrader.Acceptance?
    private var deadline: Scheduled<Void>?
    private var isDecided = false

    init(
        timeout: TimeAmount, upgrader: WebSocketUpgrader, encoder: HTTPResponseEncoder,
        decoder: ByteToMessageHandler<HTTPRequestDecoder>, outcome: EventLoopPromise<UpgradableChannel.Outcome>,
        becomeHTTP: @escaping (_ refusal: Problem?) throws -> UpgradableChannel.Outcome
    ) {
        self.timeout = timeout
        self.upgrader = upgrader
        self.encoder = encoder
        self.decoder = decoder
        self.outcome = outcome
        self.becomeHTTP = becomeHTTP
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: timeout) { bound.value.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        // Closed before it said anything, or what it said was no HTTP.
        if !isDecided { outcome.fail(ChannelError.ioOnClosedChannel) }
        isDecided = true
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDecided else { return context.fireChannelRead(data) }
        switch unwrapInboundIn(data) {
        case .head(let head):
            switch upgrader.decide(head) {
            case .accepted(let acceptance): accepted = acceptance
            case .plain: speakHTTP(context, refusal: nil, head)
            case .refused(let problem): speakHTTP(context, refusal: problem, head)
            }
        // What comes with an upgrade request means nothing.
        case .body: break
        case .end:
            if let accepted { speakWebSocket(context, accepted) }
        }
    }

    private func speakHTTP(_ context: ChannelHandlerContext, refusal: Problem?, _ head: HTTPRequestHead) {
        var head = head
        // The parser reads nothing after a request that offers an upgrade, so the connection ends with its answer.
        if head.headers.contains(name: "upgrade") { head.headers.replaceOrAdd(name: "connection", value: "close") }
        do {
            let result = try becomeHTTP(refusal)
            isDecided = true
            deadline?.cancel()
            outcome.succeed(result)
            context.fireChannelRead(wrapInboundOut(.head(head)))
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    private func speakWebSocket(_ context: ChannelHandlerContext, _ acceptance: WebSocketUpgrader.Acceptance) {
        let head = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: acceptance.headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        isDecided = true
        deadline?.cancel()
        outcome.succeed(.webSocket)
        let pipeline = context.pipeline.syncOperations
        do {
            try upgrader.addHandlers(to: pipeline, acceptance)
            pipeline.removeHandler(encoder, promise: nil)
            pipeline.removeHandler(context: context, promise: nil)
            // Last: it hands on what the client has sent since, as bytes.
            pipeline.removeHandler(decoder, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent where !isDecided: context.close(promise: nil)
        case ChannelEvent.inputClosed where !isDecided: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isDecided else { return context.fireErrorCaught(error) }
        guard error is HTTPParserError else { return context.close(promise: nil) }
        let head = HTTPResponseHead(
            version: .http1_1, status: .badRequest, headers: ["connection": "close", "content-length": "0"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
    }
}
