import Orchestrator

/// Runs executions and publishes their events.
enum OrchestratorRole: Role {
    static let name = "orchestrator"

    static func open(_ context: RoleContext) async throws -> RoleParts {
        let stack = try await OrchestratorStack.open(
            settings: context.settings, bus: context.bus, logger: context.logger)
        stack.registerHealth(context.health)
        return RoleParts(
            routes: stack.service.routes, services: [stack.hosting], servicesBeforeListener: [stack.service],
            close: { await stack.close() })
    }
}
