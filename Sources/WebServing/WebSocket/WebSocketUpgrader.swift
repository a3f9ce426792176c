import Crypto
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Decides on WebSocket requests and turns their connections over (RFC 6455 §4.2).
struct WebSocketUpgrader {
    struct Acceptance {
        var headers: HTTPHeaders
        var opening: StreamOpening
    }

    let rules: AccessRules
    let routes: RouteTree
    let streams: WebServerConfiguration.Streams

    /// Whether a stream is served at the request's target.
    func isStream(_ head: HTTPRequestHead) -> Bool { routes.match(URI(head.uri).path)?.endpoint.stream != nil }

    /// - Parameter head: a request of a WebSocket in due form.
    /// - Throws: what `accept` throws.
    func accept(_ head: HTTPRequestHead, address: String) throws(Problem) -> Acceptance {
        try accept(
            URI(head.uri), HTTPFields(head.headers, splitCookie: false), host: head.headers.first(name: "host"),
            requestID: RequestID().description, address: address)
    }

    /// - Throws: why the WebSocket is not opened: no stream is served there, the host, the origin or the caller is
    ///   refused, the handshake is at fault, or the stream's own reason.
    func accept(
        _ uri: URI, _ fields: HTTPFields, host: String?, requestID: String, address: String
    ) throws(Problem) -> Acceptance {
        guard let match = routes.match(uri.path), let handler = match.endpoint.stream else {
            throw .notFound("nothing is served at \(uri.path)")
        }
        try rules.check(host: host)
        try rules.check(origin: fields[.origin], host: host)
        let caller = try rules.caller(.role(.viewer), authorization: fields[.authorization])
        let key = try Self.handshakeKey(fields)
        let opening = try handler(
            WebRequest(
                method: .get, path: uri.path, query: try WebQuery(uri.query ?? ""),
                pathParameters: match.parameters, fields: fields, caller: caller, requestID: requestID,
                body: WebRequest.Body(), address: address))
        return Acceptance(headers: Self.answer(to: key), opening: opening)
    }

    /// Messages come as whole frames, so there is no frame encoder.
    func addHandlers(
        to pipeline: ChannelPipeline.SynchronousOperations, after handler: any ChannelHandler, _ acceptance: Acceptance
    ) throws {
        let decoder = ByteToMessageHandler(WebSocketReader(messageBytesMax: streams.inboundBytesMax))
        try pipeline.addHandler(decoder, position: .after(handler))
        try pipeline.addHandler(
            WebSocketHandler(configuration: streams, opening: acceptance.opening), position: .after(decoder))
    }

    /// - Throws: 426 for another version, 400 for a key that is none.
    private static func handshakeKey(_ fields: HTTPFields) throws(Problem) -> String {
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
