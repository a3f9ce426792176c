import Crypto
import FoundationEssentials
import Hummingbird
import HummingbirdCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import NIOWebSocket
import Synchronization

/// What was decided on the request that a connection began with.
final class StreamDecision: Sendable {
    private enum State {
        case undecided
        case accepted(StreamOpening)
        case refused(Problem)
    }

    private let state = Mutex(State.undecided)
    private let rules: AccessRules
    private let routes: RouteTree

    init(rules: AccessRules, routes: RouteTree) {
        self.rules = rules
        self.routes = routes
    }

    var opening: StreamOpening? { state.withLock { if case .accepted(let opening) = $0 { opening } else { nil } } }
    var refusal: Problem? { state.withLock { if case .refused(let problem) = $0 { problem } else { nil } } }

    /// - Returns: the key to prove the upgrade with; nil when the request is answered as plain HTTP or refused.
    func decide(_ head: HTTPRequestHead) -> String? {
        let uri = URI(head.uri)
        guard head.method == .GET, let match = routes.match(uri.path), let handler = match.endpoint.stream else {
            return nil
        }
        do {
            let host = head.headers.first(name: "host")
            try rules.check(host: host)
            try rules.check(origin: head.headers.first(name: "origin"), host: host)
            let key = try Self.handshakeKey(head.headers)
            let opening = try handler(
                WebRequest(
                    method: .get, path: uri.path, query: WebQuery(uri.query ?? ""), pathParameters: match.parameters,
                    fields: .init(head.headers, splitCookie: false), caller: rules.caller,
                    requestID: RequestID().description, body: RequestBody(buffer: ByteBuffer()), bodyBytesMax: 0))
            state.withLock { $0 = .accepted(opening) }
            return key
        } catch {
            state.withLock { $0 = .refused(error) }
            return nil
        }
    }

    /// RFC 6455 §4.2.1.
    private static func handshakeKey(_ headers: HTTPHeaders) throws(Problem) -> String {
        guard headers["sec-websocket-version"] == ["13"] else {
            throw Problem(
                426, "websocket_version", "only WebSocket version 13 is spoken",
                headers: [WebHeader("sec-websocket-version", "13")])
        }
        let keys = headers["sec-websocket-key"]
        guard keys.count == 1, Data(base64Encoded: keys[0])?.count == 16 else {
            throw Problem(400, "websocket_key", "Sec-WebSocket-Key must be 16 bytes in base 64")
        }
        return keys[0]
    }
}

/// Turns a connection into a WebSocket (RFC 6455 §4.2.2) without a frame encoder: messages come as whole frames.
struct WebSocketUpgrader: NIOTypedHTTPServerProtocolUpgrader {
    struct NotUpgrading: Error {}

    /// Clients say nothing worth reading; what they send may not cost memory.
    static let inboundFrameBytesMax = 4096

    let supportedProtocol = "websocket"
    let requiredUpgradeHeaders: [String] = []
    let decision: StreamDecision
    let streams: WebServerConfiguration.Streams

    func buildUpgradeResponse(
        channel: any Channel, upgradeRequest: HTTPRequestHead, initialResponseHeaders: HTTPHeaders
    ) -> EventLoopFuture<HTTPHeaders> {
        guard let key = decision.decide(upgradeRequest) else {
            return channel.eventLoop.makeFailedFuture(NotUpgrading())
        }
        let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        return channel.eventLoop.makeSucceededFuture([
            "upgrade": "websocket", "connection": "upgrade",
            "sec-websocket-accept": Data(digest).base64EncodedString(),
        ])
    }

    func upgrade(
        channel: any Channel, upgradeRequest: HTTPRequestHead
    ) -> EventLoopFuture<UpgradableChannel.Outcome> {
        channel.eventLoop.makeCompletedFuture {
            guard let opening = decision.opening else { throw NotUpgrading() }
            let pipeline = channel.pipeline.syncOperations
            pipeline.removeHandler(try pipeline.handler(type: FirstRequestHandler.self), promise: nil)
            try pipeline.addHandler(
                ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: Self.inboundFrameBytesMax)))
            try pipeline.addHandler(WebSocketHandler(configuration: streams, opening: opening))
            return .webSocket
        }
    }
}
