import HummingbirdCore
import NIOCore
import ServiceLifecycle

/// Writes a server-sent-events answer (HTML Standard §9.2) for as long as its session and the client want it.
enum EventStreamBody {
    static func make(
        _ opening: @escaping StreamOpening, configuration: WebServerConfiguration.Streams, eventLoop: any EventLoop
    ) -> ResponseBody {
        ResponseBody { writer in
            let connection = EventStreamConnection(pendingBytesMax: configuration.pendingBytesMax)
            let session = opening(connection)
            let heartbeat = eventLoop.scheduleRepeatedTask(
                initialDelay: TimeAmount(configuration.heartbeatInterval),
                delay: TimeAmount(configuration.heartbeatInterval)
            ) { _ in connection.heartbeat() }
            defer {
                heartbeat.cancel()
                connection.markClosed()
                session.closed()
            }
            try await withTaskCancellationHandler {
                try await withGracefulShutdownHandler {
                    // An empty comment makes the answer's head go out before there is an event.
                    try await writer.write(ByteBuffer(string: ":\n\n"))
                    while let (bytes, pendingByteCount) = await connection.next() {
                        try await writer.write(bytes)
                        if connection.written(byteCount: pendingByteCount) { session.hasRoom() }
                    }
                } onGracefulShutdown: {
                    connection.close(.goingAway, reason: "")
                }
            } onCancel: {
                connection.markClosed()
            }
            try await writer.finish(nil)
        }
    }
}
