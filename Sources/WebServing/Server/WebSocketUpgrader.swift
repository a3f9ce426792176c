import Crypto
import FoundationEssentials
import Hummingbird
import HummingbirdCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import NIOWebSocket

/// Decides on WebSocket requests and turns their connections over (RFC 6455 §4.2).
struct WebSocketUpgrader {
    struct Acceptance {
        var headers: HTTPHeaders
        var opening: StreamOpening
    }

    enum Decision {
        case accepted(Acceptance)
        case refused(Problem)
        /// Not for a stream's WebSocket: an ordinary request.
        case plain
    }

    /// Clients say nothing worth reading; what they send may not cost memory.
    static let inboundFrameBytesMax = 4096

    let rules: AccessRules
    let routes: RouteTree
    let streams: WebServerConfiguration.Streams

    func decide(_ head: HTTPRequestHead) -> Decision {
        let protocols = head.headers[canonicalForm: "upgrade"]
        guard head.method == .GET, protocols.contains(where: { $0.lowercased() == "websocket" }) else { return .plain }
        let uri = URI(head.uri)
        guard let match = routes.match(uri.path), let handler = match.endpoint.stream else { return .plain }
        do {
            let host = head.headers.first(name: "host")
            try rules.check(host: host)
            try rules.check(origin: head.headers.first(name: "origin"), host: host)
            let caller = try rules.caller(.callers, authorization: head.headers.first(name: "authorization"))
            let key = try Self.handshakeKey(head.headers)
            let opening = try handler(
                WebRequest(
                    method: .get, path: uri.path, query: WebQuery(uri.query ?? ""), pathParameters: match.parameters,
                    fields: .init(head.headers, splitCookie: false), caller: caller,
                    requestID: RequestID().description, body: RequestBody(buffer: ByteBuffer()), bodyBytesMax: 0))
            return .accepted(Acceptance(headers: Self.answer(to: key), opening: opening))
        } catch {
            return .refused(error)
        }
    }

    /// Messages come as whole frames, so there is no frame encoder.
    func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations, _ acceptance: Acceptance) throws {
        try pipeline.addHandler(ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: Self.inboundFrameBytesMax)))
        try pipeline.addHandler(WebSocketHandler(configuration: streams, opening: acceptance.opening))
    }

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

    private static func answer(to key: String) -> HTTPHeaders {
        let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        return [
            "upgrade": "websocket", "connection": "upgrade",
            "sec-websocket-accept": Data(digest).base64EncodedString(),
        ]
    }
}
