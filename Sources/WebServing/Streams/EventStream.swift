import HummingbirdCore
import NIOCore
import ServiceLifecycle

/// A server-sent-events answer (HTML Standard §9.2). It lasts until its session or the client ends it.
final class EventStream: Sendable {
    private let connection: EventStreamConnection
    private let session: any StreamSession
    private let heartbeat: RepeatedTask

    init(_ opening: StreamOpening, configuration: WebServerConfiguration.Streams, eventLoop: any EventLoop) {
        let connection = EventStreamConnection(pendingBytesMax: configuration.pendingBytesMax)
        let interval = TimeAmount(configuration.heartbeatInterval)
        heartbeat = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            connection.heartbeat()
        }
        self.connection = connection
        session = opening(connection)
    }

    /// Ends the session, also when the answer was never written.
    deinit {
        heartbeat.cancel()
        connection.markClosed()
        session.closed()
    }

    /// Whether the session has nothing more to send. An answer without content then ends an `EventSource` for good; a
    /// stream that just ended would be opened again and again.
    ///
    /// If that is not known by the first heartbeat, or when the server shuts down, the stream counts as going on: its
    /// client must come again.
    func isOver(client: ClientPresence) async -> Bool {
        let connection = connection
        return await client.whenLeaving({ connection.markClosed() }) {
            await withTaskCancellationHandler {
                await withGracefulShutdownHandler {
                    await connection.isOver()
                } onGracefulShutdown: {
                    connection.heartbeat()
                }
            } onCancel: {
                connection.heartbeat()
            }
        }
    }

    var body: ResponseBody {
        ResponseBody { [self] writer in
            let end: @Sendable () -> Void = { [connection] in connection.markClosed() }
            try await withTaskCancellationHandler {
                try await ClientPresence.current.whenLeaving(end) {
                    try await withGracefulShutdownHandler {
                        // The head is sent with the first bytes of the body: an empty comment sends it at once, before
                        // there is an event.
                        try await writer.write(ByteBuffer(string: ":\n\n"))
                        while let (bytes, pendingByteCount) = await connection.next() {
                            try await writer.write(bytes)
                            if connection.written(byteCount: pendingByteCount) { session.hasRoom() }
                        }
                    } onGracefulShutdown: { [connection] in
                        connection.close(.goingAway, reason: "")
                    }
                }
            } onCancel: {
                end()
            }
            try await writer.finish(nil)
        }
    }
}
