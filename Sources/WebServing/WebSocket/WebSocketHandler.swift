import NIOCore

/// A WebSocket's end of the pipeline: writes what the connection queued, answers pings, keeps the peer alive, closes.
///
/// What a client sends never costs more memory than one message, one pong on its way and one that waits: while both
/// pongs are there, nothing is read, so that a client that sends pings and reads nothing is held back by TCP.
final class WebSocketHandler: ChannelDuplexHandler {
    typealias InboundIn = WebSocketMessage
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let configuration: WebServerConfiguration.Streams
    private let opening: StreamOpening
    private var connection: WebSocketConnection?
    private var session: (any StreamSession)?
    private var context: ChannelHandlerContext?
    private var keepAlive: Scheduled<Void>?
    /// Heard from the peer, or written to it while reading was held back, since the last ping.
    private var hasLivedSincePing = true
    private var isClosing = false
    private var isPongOnItsWay = false
    /// The payload of the newest ping that is not answered yet (RFC 6455 §5.5.3 lets older ones go unanswered).
    private var waitingPong: ByteBuffer?
    /// A read that was asked for while `waitingPong` was there.
    private var isReadHeldBack = false

    init(configuration: WebServerConfiguration.Streams, opening: @escaping StreamOpening) {
        self.configuration = configuration
        self.opening = opening
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let connection = WebSocketConnection(
            eventLoop: context.eventLoop, pendingBytesMax: configuration.pendingBytesMax
        ) { bound.value.drain() }
        self.connection = connection
        session = opening(connection)
        scheduleKeepAlive(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        keepAlive?.cancel()
        keepAlive = nil
        context = nil
        connection?.markClosed()
        connection = nil
        // Exactly once: the pipeline may report both inactivity and removal.
        let session = session
        self.session = nil
        session?.closed()
    }

    // MARK: writing

    private func drain() {
        guard let context, let connection, !isClosing else { return }
        let drain = connection.takeQueued()
        if let last = drain.frames.last {
            for frame in drain.frames.dropLast() { context.write(wrapOutboundOut(frame), promise: nil) }
            let byteCount = drain.frames.reduce(0) { $0 + $1.readableBytes }
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(last)).whenSuccess { bound.value.written(byteCount) }
        }
        if let close = drain.close { beginClose(context, code: close.code.rawValue, reason: close.reason) }
    }

    private func written(_ byteCount: Int) {
        if isReadHeldBack { hasLivedSincePing = true }
        if connection?.written(byteCount: byteCount) == true { session?.hasRoom() }
    }

    /// Sends our close frame and waits for the peer's.
    private func beginClose(_ context: ChannelHandlerContext, code: UInt16, reason: String) {
        guard !isClosing else { return }
        setClosing(context)
        context.writeAndFlush(wrapOutboundOut(WebSocketFraming.close(code: code, reason: reason)), promise: nil)
    }

    /// From here on the connection ends by itself, whatever the peer reads or sends.
    private func setClosing(_ context: ChannelHandlerContext) {
        isClosing = true
        waitingPong = nil
        releaseRead(context)
        keepAlive?.cancel()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        keepAlive = context.eventLoop.scheduleTask(in: TimeAmount(configuration.closeTimeout)) {
            bound.value.close(promise: nil)
        }
    }

    // MARK: reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let message = unwrapInboundIn(data)
        hasLivedSincePing = true
        switch message {
        case .ping(let payload) where !isClosing: answer(context, ping: payload)
        case .close(let code): receivedClose(context, code: code ?? StreamCloseCode.normal.rawValue)
        case .text(let payload) where !isClosing: session?.received(text: Array(payload.readableBytesView))
        case .binary(let payload) where !isClosing: session?.received(binary: Array(payload.readableBytesView))
        case .text, .binary, .ping, .pong: break
        }
    }

    private func answer(_ context: ChannelHandlerContext, ping payload: ByteBuffer) {
        guard !isPongOnItsWay else {
            waitingPong = payload
            return
        }
        isPongOnItsWay = true
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(WebSocketFraming.pong(payload))).whenSuccess {
            let (handler, context) = bound.value
            handler.pongWritten(context)
        }
    }

    private func pongWritten(_ context: ChannelHandlerContext) {
        isPongOnItsWay = false
        if isReadHeldBack { hasLivedSincePing = true }
        if let payload = waitingPong.take() { answer(context, ping: payload) }
        if waitingPong == nil { releaseRead(context) }
    }

    func read(context: ChannelHandlerContext) {
        if waitingPong == nil { context.read() } else { isReadHeldBack = true }
    }

    private func releaseRead(_ context: ChannelHandlerContext) {
        guard isReadHeldBack else { return }
        isReadHeldBack = false
        context.read()
    }

    private func receivedClose(_ context: ChannelHandlerContext, code: UInt16) {
        guard !isClosing else { return context.close(promise: nil) }
        setClosing(context)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(WebSocketFraming.close(code: code, reason: ""))).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let fault as WebSocketFault: fail(context, fault)
        // Of what came behind a fault.
        case is ByteToMessageDecoderError where isClosing: break
        default: context.close(promise: nil)
        }
    }

    /// Says what is wrong and closes our side; nothing more is read, so no answer to the close can come. The rest waits
    /// for the client's end: were the connection closed while the client still sends, it would be reset, and the client
    /// could lose what was wrong.
    private func fail(_ context: ChannelHandlerContext, _ fault: WebSocketFault) {
        // A second close frame is not sent (RFC 6455 §5.5.1); an empty write completes after the earlier ones.
        let frame =
            isClosing ? ByteBuffer() : WebSocketFraming.close(code: fault.code.rawValue, reason: fault.reason)
        setClosing(context)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(frame)).whenComplete { _ in
            bound.value.close(mode: .output, promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            drain()
            beginClose(context, code: StreamCloseCode.goingAway.rawValue, reason: "the server shuts down")
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: keep-alive

    private func scheduleKeepAlive(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        keepAlive = context.eventLoop.scheduleTask(in: TimeAmount(configuration.pingInterval)) {
            let (handler, context) = bound.value
            handler.checkPeer(context)
        }
    }

    /// A peer that was silent for a whole interval after a ping is taken for dead; so is one that reads nothing of what
    /// waits for it while nothing is read of it.
    private func checkPeer(_ context: ChannelHandlerContext) {
        guard hasLivedSincePing else {
            context.close(promise: nil)
            return
        }
        hasLivedSincePing = false
        context.writeAndFlush(wrapOutboundOut(WebSocketFraming.ping()), promise: nil)
        scheduleKeepAlive(context)
    }
}
