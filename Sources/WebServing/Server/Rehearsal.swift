import Glibc
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

/// Takes one connection through the pipeline before anybody can connect.
///
/// The first connection makes the runtime instantiate the pipeline's generic types. When two event loops did that at
/// once, in one of some hundreds of starts under load, the Swift 6.3 runtime read incomplete metadata and the process
/// died in `swift_checkMetadataState`. After one connection alone there is nothing left to instantiate.
enum Rehearsal {
    private static let request = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"

    /// Costs some milliseconds; what goes wrong here goes wrong again where somebody sees it.
    static func run(
        rules: AccessRules, routes: RouteTree, configuration: WebServerConfiguration, logger: Logger
    ) async {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            return
        }
        let client = ends[1]
        let text = Array(request.utf8)
        _ = write(client, text, text.count)
        // Hangs up once it is answered, or once the server's end is closed for whatever reason.
        async let hungUp: Void? = try? NIOThreadPool.singleton.runIfActive {
            var byte: UInt8 = 0
            _ = read(client, &byte, 1)
            close(client)
        }
        let pipeline = UpgradableChannel(
            responder: { _, writer, _ in try await writer.writeResponse(HTTPResponse(status: .noContent)) },
            rules: rules,
            routes: routes, configuration: configuration)
        do {
            let value = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .withConnectedSocket(ends[0]) { pipeline.setup(channel: $0, logger: logger) }
            await pipeline.handle(value: value, logger: logger)
        } catch {
            logger.debug("no rehearsal of a connection", metadata: ["error": "\(error)"])
            shutdown(client, Int32(SHUT_RDWR))
        }
        _ = await hungUp
    }
}
