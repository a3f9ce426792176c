import Crypto
import FoundationEssentials
import HTTPTypes
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
    }

    /// Clients say nothing worth reading; what they send may not cost memory.
    static let inboundFrameBytesMax = 4096

    let rules: AccessRules
    let routes: RouteTree
    let streams: WebServerConfiguration.Streams

    /// Whether a stream is served at the request's target.
    func isStream(_ head: HTTPRequestHead) -> Bool { routes.match(URI(head.uri).path)?.endpoint.stream != nil }

    /// - Parameter head: a request of a WebSocket in due form.
    func decide(_ head: HTTPRequestHead, address: String) -> Decision {
        let uri = URI(head.uri)
        guard let match = routes.match(uri.path), let handler = match.endpoint.stream else {
            return .refused(.notFound("nothing is served at \(uri.path)"))
        }
        do {
            let host = head.headers.first(name: "host")
            let fields = HTTPFields(head.headers, splitCookie: false)
            try rules.check(host: host)
            try rules.check(origin: fields[.origin], host: host)
            let caller = try rules.caller(.role(.viewer), authorization: fields[.authorization])
            let key = try Self.handshakeKey(fields)
            let opening = try handler(
                WebRequest(
                    method: .get, path: uri.path, query: try WebQuery(uri.query ?? ""),
                    pathParameters: match.parameters, fields: fields, caller: caller,
                    requestID: RequestID().description, body: WebRequest.Body(), address: address))
            return .accepted(Acceptance(headers: Self.answer(to: key), opening: opening))
        } catch {
            return .refused(error)
        }
    }

    /// Messages come as whole frames, so there is no frame encoder.
    func addHandlers(
        to pipeline: ChannelPipeline.SynchronousOperations, after handler: any ChannelHandler, _ acceptance: Acceptance
    ) throws {
        let decoder = ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: Self.inboundFrameBytesMax))
        try pipeline.addHandler(decoder, position: .after(handler))
        try pipeline.addHandler(
            WebSocketHandler(configuration: streams, opening: acceptance.opening), position: .after(decoder))
    }

    /// - Throws: 426 for another version, 400 for a key that is none.
    static func handshakeKey(_ fields: HTTPFields) throws(Problem) -> String {
        guard fields[values: .secWebSocketVersion] == ["13"] else {
            throw Problem(
                426, "websocket_version", "only WebSocket version 13 is spoken",
                headers: [WebHeader("sec-websocket-version", "13"), WebHeader("upgrade", "websocket")])
        }
        let keys = fields[values: .secWebSocketKey]
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
