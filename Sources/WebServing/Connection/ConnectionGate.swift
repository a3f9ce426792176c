import HTTPTypes
import NIOCore
import NIOHTTP1

/// The channel handler behind the HTTP parser. It enforces HTTP/1's own rules, so that routes see only valid requests,
/// and switches the connection to a WebSocket when a request asks for one.
///
/// A client may send requests before earlier ones are answered (pipelining). Whatever ends the connection, be it a
/// refusal, a WebSocket or an answer with `Connection: close`, waits until the earlier requests are answered. swift-nio
/// has handlers for upgrades and pipelining, which were rejected: they drop the head of a request that asks for an
/// upgrade it does not get, such as the `Upgrade: h2c` of Java's client, and upgrade only on a connection's first
/// request.
final class ConnectionGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Outbound event: a handler is about to read the body of the request, so a client that waits for `100 Continue`
    /// gets it now.
    struct BodyWanted {}

    /// A request that was passed to the routes and is not answered yet.
    private struct Exchange {
        let version: HTTPVersion
        let isHead: Bool
        /// Whether the connection ends with the answer.
        var endsConnection: Bool
        var expectsContinue: Bool
        /// Whether the whole request has been received.
        var isReceived = false
    }

    /// What ends the connection once all earlier requests are answered.
    private enum Last {
        /// - Parameter isHead: the answer has no body.
        case refusal(Problem, isHead: Bool)
        case webSocket(HTTPRequestHead, RequestFraming, isReceived: Bool)
    }

    private enum Phase {
        /// No request was received yet; the connection is closed if none comes in time.
        case new
        case http
        /// The last answer was written. Bytes that still arrive are dropped until the client closes its side, too.
        case ending
        case webSocket
    }

    /// How long the connection stays open for reading after the last answer. Closing it while the client still sends
    /// would reset the connection, and the client could lose the answer.
    private static let lingerTime = TimeAmount.seconds(2)

    private let timeout: TimeAmount
    private let upgrader: WebSocketUpgrader
    private let encoder: HTTPResponseEncoder
    private let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    private let requestLine: RequestLineWatch
    private let presence: ClientPresence
    private let becomeHTTP: () throws -> UpgradableChannel.HTTPParts
    private let outcome: EventLoopPromise<UpgradableChannel.Outcome>
    private var phase = Phase.new
    private var exchanges: [Exchange] = []
    private var last: Last?
    /// Whether the request being received is dropped, and every later one with it.
    private var isDropping = false
    private var isInputClosed = false
    private var deadline: Scheduled<Void>?
    private var http: UpgradableChannel.HTTPParts?

    init(
        timeout: TimeAmount, upgrader: WebSocketUpgrader, encoder: HTTPResponseEncoder,
        decoder: ByteToMessageHandler<HTTPRequestDecoder>, requestLine: RequestLineWatch, presence: ClientPresence,
        outcome: EventLoopPromise<UpgradableChannel.Outcome>,
        becomeHTTP: @escaping () throws -> UpgradableChannel.HTTPParts
    ) {
        self.timeout = timeout
        self.upgrader = upgrader
        self.encoder = encoder
        self.decoder = decoder
        self.requestLine = requestLine
        self.presence = presence
        self.outcome = outcome
        self.becomeHTTP = becomeHTTP
    }

    func handlerAdded(context: ChannelHandlerContext) { closeLater(context, in: timeout) }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        // The client closed before it sent a request, or what it sent was not HTTP.
        if case .new = phase { outcome.fail(ChannelError.ioOnClosedChannel) }
        if case .webSocket = phase { return }
        phase = .ending
        presence.leave()
    }

    private func closeLater(_ context: ChannelHandlerContext, in time: TimeAmount) {
        deadline?.cancel()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: time) { bound.value.close(promise: nil) }
    }

    // MARK: requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(var head):
            requestLine.isWatching = false
            if case .ending = phase { return }
            guard last == nil, exchanges.last?.endsConnection != true else {
                isDropping = true
                return
            }
            received(context, &head)
        case .body:
            if isDropping || phase == .ending { return }
            if !exchanges.isEmpty { exchanges[exchanges.endIndex - 1].expectsContinue = false }
            context.fireChannelRead(data)
        case .end:
            requestLine.isWatching = true
            if phase == .ending { return }
            if case .webSocket(let head, let framing, _) = last {
                last = .webSocket(head, framing, isReceived: true)
                goOn(context)
            }
            if isDropping || exchanges.isEmpty { return }
            exchanges[exchanges.endIndex - 1].isReceived = true
            context.fireChannelRead(data)
        }
    }

    private func received(_ context: ChannelHandlerContext, _ head: inout HTTPRequestHead) {
        let framing = RequestFraming(&head)
        if let refusal = framing.refusal {
            isDropping = true
            last = .refusal(refusal, isHead: head.method == .HEAD)
            return goOn(context)
        }
        if framing.asksWebSocket, upgrader.isStream(head) {
            isDropping = true
            last = .webSocket(head, framing, isReceived: false)
            return
        }
        handOn(context, head, framing)
    }

    private func handOn(_ context: ChannelHandlerContext, _ head: HTTPRequestHead, _ framing: RequestFraming) {
        if phase == .new {
            do {
                let parts = try becomeHTTP()
                http = parts
                phase = .http
                deadline?.cancel()
                outcome.succeed(.http(parts.channel))
            } catch {
                return context.close(promise: nil)
            }
        }
        exchanges.append(
            Exchange(
                version: head.version, isHead: head.method == .HEAD, endsConnection: framing.endsConnection,
                expectsContinue: framing.expectsContinue))
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// Ends the connection as `last` says, once every earlier request is answered.
    private func goOn(_ context: ChannelHandlerContext) {
        guard exchanges.isEmpty, let last else { return }
        switch last {
        case .refusal(let problem, let isHead): refuse(context, problem, isHead: isHead)
        case .webSocket(let head, let framing, isReceived: true):
            do throws(Problem) {
                let acceptance = try upgrader.accept(head, address: context.remoteAddress?.ipAddress ?? "")
                speakWebSocket(context, acceptance)
            } catch {
                // The refusal is written like every other answer: `WebResponder` asks again and gets the same one.
                self.last = nil
                handOn(context, head, framing)
                exchanges[exchanges.endIndex - 1].isReceived = true
                context.fireChannelRead(wrapInboundOut(.end(nil)))
            }
        case .webSocket: break
        }
    }

    private func refuse(_ context: ChannelHandlerContext, _ problem: Problem, isHead: Bool) {
        guard phase != .ending else { return }
        let body = problem.encoded
        var headers: HTTPHeaders = [
            "date": HTTPDate.now, "content-type": "application/problem+json", "content-length": "\(body.count)",
            "connection": "close",
        ]
        for header in problem.headers { headers.replaceOrAdd(name: header.name, value: header.value) }
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: problem.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !isHead { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil) }
        end(context)
    }

    /// Ends the connection after what is written. First only the sending side is closed: if the whole connection were
    /// closed while the client still sends, it would be reset, and the client could lose the answer (RFC 9112 §9.6).
    private func end(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
        if phase == .new { outcome.fail(ChannelError.inputClosed) }
        phase = .ending
        // A client that does not read the answer keeps the connection no longer than this. Set before the write, which
        // may complete at once and then sets the shorter time.
        closeLater(context, in: timeout)
        let written = promise ?? context.eventLoop.makePromise()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in
            let (gate, context) = bound.value
            guard context.channel.isActive, !gate.isInputClosed else { return context.close(promise: nil) }
            context.close(mode: .output, promise: nil)
            gate.closeLater(context, in: Self.lingerTime)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }

    // MARK: answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard phase == .http, let exchange = exchanges.first else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head):
            frame(&head, of: exchange)
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body where exchange.isHead: promise?.succeed()
        case .body: context.write(data, promise: promise)
        case .end:
            exchanges.removeFirst()
            if exchange.endsConnection { return end(context, promise: promise) }
            context.writeAndFlush(data, promise: promise)
            goOn(context)
        }
    }

    /// Says how the answer ends, and whether the connection does (RFC 9112 §6, §9).
    private func frame(_ head: inout HTTPResponseHead, of exchange: Exchange) {
        if exchange.version == .http1_0 { head.version = exchange.version }
        // The rest of a body that was not received must not be parsed as the next request.
        if !exchange.isReceived || head.headers[canonicalForm: "connection"].contains(where: { $0 == "close" }) {
            exchanges[exchanges.startIndex].endsConnection = true
        }
        if exchanges[exchanges.startIndex].endsConnection {
            let offer = head.headers.contains(name: "upgrade") ? ", upgrade" : ""
            head.headers.replaceOrAdd(name: "connection", value: "close\(offer)")
        }
        head.headers.remove(name: "transfer-encoding")
        if !head.status.mayHaveResponseBody {
            head.headers.remove(name: "content-length")
        } else if !head.headers.contains(name: "content-length"), !exchange.isHead, exchange.version != .http1_0 {
            head.headers.add(name: "transfer-encoding", value: "chunked")
        }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is BodyWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        promise?.succeed()
        guard phase == .http, exchanges.first?.expectsContinue == true else { return }
        exchanges[exchanges.startIndex].expectsContinue = false
        let head = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    // MARK: the WebSocket

    private func speakWebSocket(_ context: ChannelHandlerContext, _ acceptance: WebSocketUpgrader.Acceptance) {
        let head = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: acceptance.headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        let isFirst = phase == .new
        phase = .webSocket
        deadline?.cancel()
        let pipeline = context.pipeline.syncOperations
        do {
            // In front of the HTTP handlers, which receive nothing from here on.
            try upgrader.addHandlers(to: pipeline, after: decoder, acceptance)
            pipeline.removeHandler(encoder, promise: nil)
            pipeline.removeHandler(requestLine, promise: nil)
            if isFirst {
                outcome.succeed(.webSocket)
                pipeline.removeHandler(context: context, promise: nil)
            } else if let http {
                // It closes connections that have been without a request for a while.
                pipeline.removeHandler(http.idleHandler, promise: nil)
            }
            // Last, because its removal passes on the bytes that the client sent after its request.
            pipeline.removeHandler(decoder, promise: nil)
        } catch {
            if isFirst { outcome.fail(error) }
            context.close(promise: nil)
        }
    }

    // MARK: the end

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent where phase == .new: context.close(promise: nil)
        case ChannelEvent.inputClosed:
            isInputClosed = true
            presence.leave()
            if phase == .new || phase == .ending { return context.close(promise: nil) }
            context.fireUserInboundEventTriggered(event)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        presence.leave()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case is ByteToMessageDecoderError, is ByteToMessageDecoderError.PayloadTooLargeError:
            return stoppedReading(context)
        default: break
        }
        guard let fault = error as? HTTPParserError else {
            if phase == .http { return context.fireErrorCaught(error) }
            return context.close(promise: nil)
        }
        guard phase != .ending, last == nil else { return }
        isDropping = true
        if exchanges.last?.isReceived == false {
            // The body is broken: the handler that reads it gets the error and answers.
            exchanges[exchanges.endIndex - 1].endsConnection = true
            return context.fireErrorCaught(error)
        }
        last = .refusal(refusal(of: fault), isHead: false)
        goOn(context)
    }

    /// The decoder has dropped what came after the last request it could read, and will read no more: the answers that
    /// are owed still go out, and the connection ends with them.
    private func stoppedReading(_ context: ChannelHandlerContext) {
        guard phase != .ending else { return }
        isDropping = true
        if case .webSocket = last {
            // Its first frames are lost.
            last = .refusal(
                Problem(400, "invalid_request", "a client waits for the answer before it speaks WebSocket"),
                isHead: false)
        }
        if exchanges.isEmpty, last == nil {
            // Nothing is owed, so what was too long is the beginning of a request.
            last = .refusal(Self.headersTooLarge, isHead: false)
        }
        guard last == nil else { return goOn(context) }
        exchanges[exchanges.endIndex - 1].endsConnection = true
    }

    private func refusal(of fault: HTTPParserError) -> Problem {
        guard case .headerOverflow = fault else {
            return Problem(400, "invalid_request", "this is no HTTP/1.1 request")
        }
        if requestLine.byteCount > RequestFraming.targetBytesMax { return RequestFraming.targetTooLong }
        return Self.headersTooLarge
    }

    private static let headersTooLarge = Problem(
        431, "headers_too_large", "the headers of a request exceed what is read of them")
}
