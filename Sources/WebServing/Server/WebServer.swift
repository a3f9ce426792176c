import Glibc
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// One HTTP/1.1 listener with the routes of its roles.
///
/// `run` returns after a graceful shutdown: it stops accepting, lets requests finish and closes streams with 1001.
package struct WebServer: Service {
    private let configuration: WebServerConfiguration
    private let rules: AccessRules
    private let routes: RouteTree
    private let logger: Logger
    private let onReady: @Sendable (String) async -> Void

    /// - Parameter onReady: called once, with the URL (`http://127.0.0.1:8000`), when connections are accepted.
    /// - Throws: `insecureBind`.
    package init(
        configuration: WebServerConfiguration, providers: [any RouteProvider], logger: Logger,
        onReady: @escaping @Sendable (_ url: String) async -> Void = { _ in }
    ) throws(WebServingError) {
        rules = try AccessRules(configuration)
        var router = WebRouter()
        for provider in providers { provider.addRoutes(to: &router) }
        routes = router.tree
        self.configuration = configuration
        self.logger = logger
        self.onReady = onReady
    }

    /// - Throws: `bindFailed`.
    package func run() async throws {
        await Rehearsal.run(rules: rules, routes: routes, configuration: configuration, logger: logger)
        let server = HTTPServerBuilder { [rules, routes, configuration] responder in
            UpgradableChannel(responder: responder, rules: rules, routes: routes, configuration: configuration)
        }
        var settings = ApplicationConfiguration(address: .hostname(configuration.host, port: configuration.port))
        settings.availableConnectionsDelegate = .maximum(configuration.connectionsMax, logger: logger)
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        let port = configuration.port
        let application = Application(
            responder: WebResponder(rules: rules, routes: routes, configuration: configuration),
            server: server, configuration: settings,
            onServerRunning: { [onReady] channel in
                // Before NIO's back-off, which keeps the error to itself. A channel that closes at once needs none.
                try? await channel.pipeline.addHandler(AcceptPauseHandler(), position: .first)
                await onReady("http://\(host):\(channel.localAddress?.port ?? port)")
            },
            logger: logger)
        do {
            try await application.run()
        } catch let error as IOError {
            let reason = String(cString: strerror(error.errnoCode))
            throw WebServingError(.bindFailed, "\(configuration.host):\(port) cannot be bound: \(reason)")
        } catch let error where error is SocketAddressError || error is SocketAddressError.UnknownHost {
            throw WebServingError(.bindFailed, "\(configuration.host) cannot be bound: the name has no address")
        }
    }
}
