import EventBus
import MetricsAggregator
import WebServing

/// Counts executions, steps, approvals and events from the topic.
enum MetricsRole: Role {
    static let name = "metrics"

    static func open(_ context: RoleContext) -> RoleParts {
        let clock = SystemWallClock()
        let bus = context.bus
        let aggregator = MetricsAggregator(
            subscriber: bus.subscriber,
            openStore: { () throws(BusError) in try await bus.consumerStore(named: name) },
            logger: context.logger, now: { clock.now })
        context.registerConsumer(name, aggregator.health)
        context.metrics.add(aggregator.families)
        return RoleParts(routes: [aggregator], services: [aggregator])
    }
}
