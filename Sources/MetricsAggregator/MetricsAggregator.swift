package import EventBus
package import Logging
import ServiceLifecycle
package import WebServing
package import WorkflowModel

/// The consumer that counts the event topic: executions, steps, approvals, and the events themselves.
///
/// Counts and positions change in one transaction of a store of its own, so a restart neither resets nor counts twice,
/// and without the store everything is counted again from the topic's beginning. It follows the whole topic, not as a
/// consumer group: two aggregators with a store each count everything each.
package struct MetricsAggregator: RouteProvider {
    package typealias OpenStore = @Sendable () async throws(BusError) -> any ConsumerStore

    private let subscriber: any EventSubscriber
    private let openStore: OpenStore
    private let limits: AggregatorLimits
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let standing = AggregatorStanding()

    /// - Parameters:
    ///   - openStore: opens the store; tried again while another process has it, so that a second aggregator on the
    ///     same data directory takes over when the first is gone.
    ///   - now: the wall clock, for the age of what is shown; what is counted depends on event times alone.
    package init(
        subscriber: any EventSubscriber, openStore: @escaping OpenStore, limits: AggregatorLimits = AggregatorLimits(),
        logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) {
        self.subscriber = subscriber
        self.openStore = openStore
        self.limits = limits
        self.logger = logger
        self.now = now
    }

    package func addRoutes(to router: inout WebRouter) {
        router.get("/api/v1/statistics") { [standing, now] _ in
            guard let figures = standing.figures else {
                throw Problem(
                    503, "statistics_unavailable", "nothing is counted yet: the topic or the store cannot be read",
                    headers: [WebHeader("retry-after", "5")])
            }
            let now = now()
            return .json(
                .object(
                    JSONObject([
                        ("at", .string(now.description)),
                        ("up_to", figures.totals.upTo.map { .string($0.description) } ?? .null),
                        ("lag_events", await standing.lag.map { .int(Int64($0)) } ?? .null),
                        ("windows", figures.statistics.report(at: now)),
                    ])), headers: [WebHeader("cache-control", "no-store")])
        }
    }

    /// Not ready until the topic is followed; a bus that is away makes it degraded, never dead.
    package var health: HealthCheck { { [standing] in standing.health } }

    /// The figures for the process's exposition.
    package var families: MetricsRegistry.Source { { [standing, now] in await standing.families(now: now()) } }
}

extension MetricsAggregator: Service {
    package func run() async throws {
        await cancelWhenGracefulShutdown { await keepFollowing() }
    }

    /// Counts for as long as the service runs, whatever the bus and the store do: after a fault both are read again.
    private func keepFollowing() async {
        var failureCount = 0
        while !Task.isCancelled {
            do throws(BusError) {
                let store = try await openStore()
                let result: Result<Void, BusError>
                do throws(BusError) {
                    let loop = CountingLoop(
                        subscriber: subscriber, store: store, standing: standing, limits: limits, logger: logger,
                        now: now)
                    result = .success(try await loop.run { failureCount = 0 })
                } catch { result = .failure(error) }
                await store.close()
                try result.get()
            } catch {
                guard !Task.isCancelled else { return }
                standing.interrupted(error)
                if failureCount == 0 {
                    logger.warning("Events are not counted", metadata: ["error": "\(error)"])
                }
                failureCount += 1
                try? await Task.sleep(for: .milliseconds(min(5000, 50 << min(failureCount, 7))))
            }
        }
    }
}
