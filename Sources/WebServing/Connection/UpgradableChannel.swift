import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// A connection that speaks HTTP/1.1 until a request makes a WebSocket of it.
struct UpgradableChannel: HTTPChannelHandler {
    enum Outcome: Sendable {
        case http(NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>)
        /// From the first request on; the pipeline does everything.
        case webSocket
    }

    /// What HTTP takes, made with the first request: connections that are WebSockets from the start never have it.
    struct HTTPParts {
        let channel: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
        let idleHandler: HTTPConnectionStateHandler
    }

    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let outcome: EventLoopFuture<Outcome>
        let presence: ClientPresence
    }

    /// A field, or all of them together; targets are within it, too.
    private static let headersBytesMax = 64 << 10

    let responder: HTTPChannelHandler.Responder
    let rules: AccessRules
    let routes: RouteTree
    let configuration: WebServerConfiguration

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            // The gate says how answers end.
            var encoding = HTTPResponseEncoder.Configuration()
            encoding.automaticallySetFramingHeaders = false
            let encoder = HTTPResponseEncoder(configuration: encoding)
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldSize = Self.headersBytesMax
            limits.maxHeaderListSize = Self.headersBytesMax
            // The decoder parses nothing after a request that offers an upgrade, or a CONNECT, and would collect all
            // that follows. Unlimited, a client could fill the memory without a token.
            let decoder = ByteToMessageHandler(
                HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits),
                maximumBufferSize: Self.headersBytesMax)
            let requestLine = RequestLineWatch()
            let outcome = channel.eventLoop.makePromise(of: Outcome.self)
            let presence = ClientPresence()
            let gate = ConnectionGate(
                timeout: TimeAmount(configuration.requestTimeout),
                upgrader: WebSocketUpgrader(rules: rules, routes: routes, streams: configuration.streams),
                encoder: encoder, decoder: decoder, requestLine: requestLine, presence: presence, outcome: outcome
            ) { try addHTTPHandlers(to: channel, logger: logger) }
            try channel.pipeline.syncOperations.addHandlers([encoder, requestLine, decoder, gate])
            return Value(channel: channel, outcome: outcome.futureResult, presence: presence)
        }
    }

    private func addHTTPHandlers(to channel: any Channel, logger: Logger) throws -> HTTPParts {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
        try pipeline.addHandler(RequestTimeoutHandler(timeout: TimeAmount(configuration.requestTimeout)))
        let idleHandler = HTTPConnectionStateHandler(idleTimeout: configuration.idleTimeout, logger: logger)
        try pipeline.addHandler(idleHandler)
        return HTTPParts(
            channel: try NIOAsyncChannel(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true)),
            idleHandler: idleHandler)
    }

    func handle(value: Value, logger: Logger) async {
        switch try? await value.outcome.get() {
        case .http(let channel):
            await ClientPresence.$current.withValue(value.presence) {
                await handleHTTP(asyncChannel: channel, logger: logger)
            }
        // Refused, closed before it said anything, or a WebSocket: the pipeline does the rest.
        case .webSocket, nil:
            await withTaskCancellationHandler {
                try? await value.channel.closeFuture.get()
            } onCancel: {
                value.channel.close(promise: nil)
            }
        }
    }
}
