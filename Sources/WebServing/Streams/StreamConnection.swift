/// One client of a stream, over WebSocket or server-sent events.
///
/// Writing never blocks: a connection that has more than its byte limit waiting refuses what comes and says when there
/// is room again, so a slow client costs a bounded amount of memory and holds up nobody.
package protocol StreamConnection: AnyObject, Sendable {
    /// Queues all messages, or none, and flushes them once; callable from anywhere, without suspending.
    ///
    /// A message larger than the limit is taken when nothing else waits.
    @discardableResult func send(_ messages: [StreamMessage]) -> StreamSendResult

    /// Everything there is so far was sent, and more may come. Called once at the most.
    func caughtUp()

    /// Ends the stream after what is queued. A WebSocket gets `code` and `reason`; server-sent events just end.
    func close(_ code: StreamCloseCode, reason: String)
}

extension StreamConnection {
    package func caughtUp() {}
}

package enum StreamSendResult: Hashable, Sendable {
    case sent
    /// Nothing was queued; `StreamSession.hasRoom` is called when half of the limit is free.
    case full
    /// Nothing was queued and nothing will be.
    case closed
}

/// WebSocket close codes (RFC 6455 §7.4.1 and its registry).
package enum StreamCloseCode: UInt16, Sendable {
    case normal = 1000
    case goingAway = 1001
    case protocolError = 1002
    case invalidPayload = 1007
    case messageTooBig = 1009
    case internalError = 1011
    case tryAgainLater = 1013
}

/// What a role does with a connection; called one at a time for each connection.
package protocol StreamSession: Sendable {
    /// After `send` gave `.full`: there is room again.
    func hasRoom()
    /// The client sent a message over its WebSocket: UTF-8, at most `WebServerConfiguration.Streams.inboundBytesMax`.
    func received(text: [UInt8])
    func received(binary: [UInt8])
    /// The connection is gone, by whichever side; called exactly once, nothing follows.
    func closed()
}

extension StreamSession {
    package func received(text: [UInt8]) {}
    package func received(binary: [UInt8]) {}
}

/// Takes over a connection and gives its session; may already send.
package typealias StreamOpening = @Sendable (any StreamConnection) -> any StreamSession
