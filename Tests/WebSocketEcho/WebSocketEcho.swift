import Glibc
import WebServing
import WebTesting

/// A WebSocket server for conformance suites: the product's own listener, with a stream that sends each message back.
///
/// Prints its URL and runs until its standard input ends.
@main
struct WebSocketEcho: RouteProvider {
    /// What the largest message of such suites needs.
    private static let bytesMax = 64 << 20

    static func main() async throws {
        var configuration = WebServerConfiguration()
        configuration.streams.inboundBytesMax = bytesMax
        configuration.streams.pendingBytesMax = 4 * bytesMax
        try await TestServer.run(configuration, providers: [WebSocketEcho()]) { @Sendable server in
            print("ws://127.0.0.1:\(server.port)/echo")
            fflush(nil)
            while readLine() != nil {}
        }
    }

    func addRoutes(to router: inout WebRouter) {
        router.stream("/echo") { _ in { connection in Session(connection: connection) } }
    }

    private struct Session: StreamSession {
        let connection: any StreamConnection

        func hasRoom() {}
        func closed() {}
        func received(text: [UInt8]) { connection.send([StreamMessage(sequence: nil, type: "", bytes: text)]) }
        func received(binary: [UInt8]) {
            connection.send([StreamMessage(sequence: nil, type: "", bytes: binary, isBinary: true)])
        }
    }
}
