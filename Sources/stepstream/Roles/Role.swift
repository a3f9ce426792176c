import Logging
import ServiceLifecycle
import WebServing

/// One role as the composition root sees it: a name, and how to put it together from the process's parts.
///
/// A further role is one more type of this kind, its entry in `Roles.all` and its command.
protocol Role: SendableMetatype {
    /// As the command line, `/health` and the ready line have it.
    static var name: String { get }

    /// - Throws: whatever an adapter refuses; the process then does not start.
    static func open(_ context: RoleContext) async throws -> RoleParts
}

/// Every role; `serve` runs them all. In this order their services start; they are stopped in reverse.
enum Roles {
    static let all: [any Role.Type] = [OrchestratorRole.self, GatewayRole.self, MetricsRole.self, NotifierRole.self]
}

/// What a process has once, whatever roles it runs.
struct RoleContext: Sendable {
    let settings: Settings
    let bus: EventBusStack
    let health: HealthRegistry
    /// Takes the families a role adds to the process's own.
    let metrics: MetricsRegistry
    let logger: Logger
    /// Whether other roles run in the process, too.
    let isShared: Bool

    /// Adds the health of a consumer of the topic. Beside other roles it does not decide whether the process is ready:
    /// executions run on while nobody follows them.
    func registerConsumer(_ part: String, _ check: @escaping HealthCheck) {
        health.register(part) { [isShared] in
            var health = await check()
            if isShared { health.isReady = true }
            return health
        }
    }
}

/// What a role adds to its process.
struct RoleParts: Sendable {
    var routes: [any RouteProvider] = []
    /// Stopped after the listener.
    var services: [any Service] = []
    /// Stopped before the listener, so that clients still hear how their executions end.
    var servicesBeforeListener: [any Service] = []
    /// After every service has ended.
    var close: @Sendable () async -> Void = {}
}
