import Gateway
import WebServing

/// Streams events to WebSocket and server-sent-events clients.
enum GatewayRole: Role {
    static let name = "gateway"

    static func open(_ context: RoleContext) -> RoleParts {
        let clock = SystemWallClock()
        let gateway = Gateway(
            subscriber: context.bus.subscriber, history: context.bus.history, configuration: GatewayConfiguration(),
            logger: context.logger, now: { clock.now })
        context.registerConsumer(name, gateway.health)
        return RoleParts(routes: [gateway], services: [gateway])
    }
}
