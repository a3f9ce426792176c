import NIOCore
import NIOWebSocket

/// A WebSocket's end of the pipeline: writes what the connection queued, answers pings, keeps the peer alive, closes.
///
/// Clients have nothing to say on these streams, so their text is read and dropped. What a client sends never costs
/// more memory than one pong on its way and one that waits: while both are there, nothing is read, so that a client
/// that sends pings and reads nothing is held back by TCP.
final class WebSocketHandler: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
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

    /// Sends our close frame, after which no more of the peer is expected. A second one is not sent (RFC 6455 §5.5.1).
    private func endWithClose(_ context: ChannelHandlerContext, code: UInt16) {
        // An empty write completes after the earlier ones.
        let frame = isClosing ? ByteBuffer() : WebSocketFraming.close(code: code, reason: "")
        setClosing(context)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(frame)).whenComplete { _ in
            bound.value.close(promise: nil)
        }
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
        let frame = unwrapInboundIn(data)
        hasLivedSincePing = true
        guard frame.fin || !frame.opcode.isControl else {
            return beginClose(context, code: StreamCloseCode.protocolError.rawValue, reason: "fragmented control frame")
        }
        switch frame.opcode {
        case .ping where !isClosing: answer(context, ping: frame.unmaskedData)
        case .connectionClose: receivedClose(context, payload: frame.unmaskedData)
        default: break
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

    private func receivedClose(_ context: ChannelHandlerContext, payload: ByteBuffer) {
        guard !isClosing else {
            context.close(promise: nil)
            return
        }
        endWithClose(context, code: Self.answer(toClose: payload))
    }

    /// The code that answers a close frame: its own, if it may stand in one (RFC 6455 §5.5.1, §7.4).
    private static func answer(toClose payload: ByteBuffer) -> UInt16 {
        var payload = payload
        if payload.readableBytes == 0 { return StreamCloseCode.normal.rawValue }
        switch payload.readInteger(as: UInt16.self) {
        // Registered codes but those that stand for the lack of a frame (1005, 1006, 1015), and the free ranges.
        case let code? where (1000...1003).contains(code) || (1007...1014).contains(code)
            || (3000...4999).contains(code):
            return String(validating: payload.readableBytesView, as: UTF8.self) == nil ? 1007 : code
        default: return StreamCloseCode.protocolError.rawValue
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let fault = error as? NIOWebSocketError else {
            context.close(promise: nil)
            return
        }
        let code: StreamCloseCode = fault == .invalidFrameLength ? .messageTooBig : .protocolError
        // The decoder reads no further, so no answer to our close can come.
        endWithClose(context, code: code.rawValue)
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

extension WebSocketOpcode {
    fileprivate var isControl: Bool { self == .ping || self == .pong || self == .connectionClose }
}
