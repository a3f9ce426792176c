import EventBus
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

/// Puts roles together from their parts and runs them until the process is told to stop.
struct RoleRunner {
    /// `serve`, or the one role's.
    let name: String
    let roles: [any Role.Type]
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
        let metrics = MetricsRegistry(texts: MetricTexts.all)
        MetricsSystem.bootstrap(metrics)
        await DescriptorLimit.reserveTimers()
        let bus = try EventBusStack(settings: settings, logger: logger)
        let health = HealthRegistry(role: name)
        bus.registerHealth(health)
        let context = RoleContext(
            settings: settings, bus: bus, health: health, metrics: metrics, logger: logger, isShared: roles.count > 1)
        var parts: [RoleParts] = []
        for role in roles { parts.append(try await role.open(context)) }
        var listening = settings.listening
        let connections = DescriptorLimit.connections()
        if connections < listening.connectionsMax {
            listening.connectionsMax = connections
            logger.notice(
                "the limit on open files allows fewer connections",
                metadata: ["limit": "\(DescriptorLimit.current)", "connections": "\(connections)"])
        }
        let server = try WebServer(
            configuration: listening,
            providers: [health, metrics, ContractRoutes()] + parts.flatMap(\.routes), logger: logger,
            onReady: { announce($0, logger) })
        // Shut down in reverse: first the executions end or are let go, then the listener, then the step hosts.
        let services = parts.flatMap(\.services) + [server] + parts.flatMap(\.servicesBeforeListener)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map {
                    ServiceGroupConfiguration.ServiceConfiguration(
                        service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                },
                gracefulShutdownSignals: Self.stopSignals, logger: logger))
        let result: Result<Void, any Error>
        do { result = .success(try await group.run()) } catch { result = .failure(error) }
        for part in parts.reversed() { await part.close() }
        await bus.close()
        try result.get()
    }

    /// The end of a terminal ends the role as SIGTERM does, unless it was started to outlive it, by nohup say.
    private static var stopSignals: [UnixSignal] {
        [.sigterm, .sigint] + (Platform.isHangUpIgnored ? [] : [.sighup])
    }

    /// The one line on stdout that tells a supervisor where the role listens.
    private func announce(_ url: String, _ logger: Logger) {
        let line: JSONValue = [
            "ready": true, "role": .string(name), "url": .string(url),
            "pid": .int(Int64(Platform.processID)),
        ]
        // Whoever started the role may have gone; the role serves all the same.
        do { try Output.json(line) } catch { logger.warning("the ready line is lost", metadata: ["error": "\(error)"]) }
        Platform.notifySystemd("READY=1")
    }
}
