import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// A connection that speaks HTTP/1.1, or becomes a WebSocket with its first request.
struct UpgradableChannel: HTTPChannelHandler {
    enum Outcome: Sendable {
        /// Plain HTTP; `refusal` answers a first request that asked for a WebSocket and may not have it.
        case http(NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>, refusal: Problem?)
        /// The pipeline does everything from now on.
        case webSocket
    }

    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let outcome: EventLoopFuture<Outcome>
    }

    let responder: HTTPChannelHandler.Responder
    let rules: AccessRules
    let routes: RouteTree
    let configuration: WebServerConfiguration

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let encoder = HTTPResponseEncoder()
            let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes))
            let outcome = channel.eventLoop.makePromise(of: Outcome.self)
            let firstRequest = FirstRequestHandler(
                timeout: TimeAmount(configuration.requestTimeout),
                upgrader: WebSocketUpgrader(rules: rules, routes: routes, streams: configuration.streams),
                encoder: encoder, decoder: decoder, outcome: outcome
            ) { refusal in
                .http(try addHTTPHandlers(to: channel, logger: logger), refusal: refusal)
            }
            try channel.pipeline.syncOperations.addHandlers([encoder, decoder, firstRequest])
            return Value(channel: channel, outcome: outcome.futureResult)
        }
    }

    private func addHTTPHandlers(
        to channel: any Channel, logger: Logger
    ) throws -> NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart> {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
        try pipeline.addHandler(RequestTimeoutHandler(timeout: TimeAmount(configuration.requestTimeout)))
        try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: configuration.idleTimeout, logger: logger))
        return try NIOAsyncChannel(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }

    func handle(value: Value, logger: Logger) async {
        let outcome: Outcome
        do {
            outcome = try await value.outcome.get()
        } catch {
            // Closed before it said anything, or what it said was no HTTP.
            value.channel.close(promise: nil)
            return
        }
        switch outcome {
        case .http(let channel, refusal: nil): await handleHTTP(asyncChannel: channel, logger: logger)
        case .http(let channel, let refusal?): await refuse(channel, with: refusal)
        case .webSocket:
            await withTaskCancellationHandler {
                try? await value.channel.closeFuture.get()
            } onCancel: {
                value.channel.close(promise: nil)
            }
        }
    }

    private func refuse(
        _ channel: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>, with problem: Problem
    ) async {
        let body = problem.encoded
        var fields = HTTPFields()
        fields[.contentType] = "application/problem+json"
        fields[.contentLength] = String(body.count)
        fields[.connection] = "close"
        let head = HTTPResponse(status: HTTPResponse.Status(code: problem.status), headerFields: fields)
        // A client that does not wait for the answer is its own loss.
        try? await channel.executeThenClose { _, outbound in
            try await outbound.write(contentsOf: [.head(head), .body(ByteBuffer(bytes: body)), .end(nil)])
        }
    }
}
