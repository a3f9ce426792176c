package import Logging
package import ServiceLifecycle
package import WebServing

/// A server on a loopback port of the kernel's choice, for the time of a test.
package struct TestServer: Sendable {
    package let port: Int
    private let group: ServiceGroup

    /// Runs the server and further services, calls `body` when it listens, and shuts down gracefully.
    package static func run(
        _ configuration: WebServerConfiguration = WebServerConfiguration(), providers: [any RouteProvider],
        services: [any Service] = [], logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        body: (TestServer) async throws -> Void
    ) async throws {
        var configuration = configuration
        configuration.port = 0
        let (urls, continuation) = AsyncStream.makeStream(of: String.self)
        let server = try WebServer(configuration: configuration, providers: providers, logger: logger) { url in
            continuation.yield(url)
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: services + [server], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { continuation.finish() }
                try await group.run()
            }
            if let url = await urls.first(where: { _ in true }), let port = Int(url.split(separator: ":").last ?? "") {
                do {
                    try await body(TestServer(port: port, group: group))
                } catch {
                    await group.triggerGracefulShutdown()
                    throw error
                }
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    package func client(closesWithServer: Bool = true) async throws -> TestClient {
        try await TestClient(port: port, closesWithServer: closesWithServer)
    }

    package func shutDown() async { await group.triggerGracefulShutdown() }
}
