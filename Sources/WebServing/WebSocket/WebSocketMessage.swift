import NIOCore

/// What a client sends: a message, whole however many frames it came in, or a control frame (RFC 6455 §5.5, §5.6).
enum WebSocketMessage: Hashable, Sendable {
    case text(ByteBuffer)
    case binary(ByteBuffer)
    case ping(ByteBuffer)
    case pong
    /// - Parameter code: one that may stand in a close frame; nil for a frame without.
    case close(code: UInt16?)
}

/// Why a WebSocket is failed (RFC 6455 §7.1.7), by the code that its close frame carries.
struct WebSocketFault: Error, Hashable {
    var code: StreamCloseCode
    var reason: String

    static func broken(_ reason: String) -> WebSocketFault { WebSocketFault(code: .protocolError, reason: reason) }
    static func notText(_ reason: String) -> WebSocketFault { WebSocketFault(code: .invalidPayload, reason: reason) }
}
