import EventBus
import Gateway
import JournalSQLite
import Logging
import Metrics
import Orchestrator
import ServiceLifecycle
import StepHosting
import UnixSignals
import WebServing
import WorkflowEngine
import WorkflowModel

/// Puts a role together from its parts and runs it until it is told to stop.
struct RoleRunner {
    enum Role: String { case serve, orchestrator, gateway }

    let role: Role
    let settings: Settings

    /// - Throws: `CommandError` with the reason in plain words.
    func run() async throws {
        let logger = LogOutput.logger(level: settings.logLevel)
        do { try await runServices(logger) } catch let error as JournalError {
            throw CommandError(error.code == .locked ? .settings : .failed, "\(error)")
        } catch let error as WebServingError { throw CommandError(.settings, "\(error)") } catch let error as BusError {
            throw CommandError(error.code == .configuration ? .settings : .failed, "\(error)")
        } catch let error as HostingError { throw CommandError(.settings, "\(error)") }
    }

    private func runServices(_ logger: Logger) async throws {
        // Before anything makes a metric.
        let metrics = MetricsRegistry()
        MetricsSystem.bootstrap(metrics)
        let bus = try EventBusStack(settings: settings, logger: logger)
        let health = HealthRegistry(role: role.rawValue)
        bus.registerHealth(health)
        var providers: [any RouteProvider] = [health, metrics, ContractRoutes()]
        var services: [any Service] = []
        var stack: OrchestratorStack?
        if role != .gateway {
            let opened = try await OrchestratorStack.open(settings: settings, bus: bus, logger: logger)
            opened.registerHealth(health)
            providers += opened.service.routes
            services.append(opened.hosting)
            stack = opened
        }
        if role != .orchestrator {
            let clock = SystemWallClock()
            let gateway = Gateway(
                subscriber: bus.subscriber, history: bus.history, configuration: GatewayConfiguration(), logger: logger,
                now: { clock.now })
            health.register("gateway", gateway.health)
            providers.append(gateway)
            services.append(gateway)
        }
        let server = try WebServer(
            configuration: WebServerConfiguration(
                host: settings.host, port: settings.port, allowedOrigins: settings.corsOrigins,
                isInsecureAllowed: settings.insecure, callers: settings.callers.directory),
            providers: providers, logger: logger, onReady: { announce($0) })
        services.append(server)
        // Shut down in reverse: first the executions end or are let go, then the listener, then the step hosts.
        if let stack { services.append(stack.service) }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map {
                    ServiceGroupConfiguration.ServiceConfiguration(
                        service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do { try await group.run() } catch {
            await stack?.close()
            await bus.close()
            throw error
        }
        await stack?.close()
        await bus.close()
    }

    /// The one line on stdout that tells a supervisor where the role listens.
    private func announce(_ url: String) {
        let line: JSONValue = [
            "ready": true, "role": .string(role.rawValue), "url": .string(url),
            "pid": .int(Int64(Platform.processID)),
        ]
        Platform.printLine(line.encodedText)
        Platform.notifySystemd("READY=1")
    }
}
