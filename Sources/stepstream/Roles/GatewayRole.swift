import Console
import EventBusKafka
import Gateway
import WebServing

/// Streams events to WebSocket and server-sent-events clients.
enum GatewayRole: Role {
    static let name = "gateway"

    static func open(_ context: RoleContext) -> RoleParts {
        let clock = SystemWallClock()
        var configuration = GatewayConfiguration()
        // The embedded topic has an index: a search for what it does not hold costs nothing.
        configuration.retention = context.settings.kafka?.retention
        let gateway = Gateway(
            subscriber: context.bus.subscriber, history: context.bus.history, configuration: configuration,
            logger: context.logger, now: { clock.now })
        context.registerConsumer(name, gateway.health)
        return RoleParts(routes: [gateway, Console()], services: [gateway])
    }
}
