import EventBus
import Synchronization
import WebServing
import WorkflowModel

/// What the aggregator shows of itself, shared between its loop and whoever asks.
///
/// Figures are shown when they are committed: a crash would take others back, and a counter that falls looks like one
/// that began anew.
final class AggregatorStanding: Sendable {
    struct State {
        /// nil until the store was read.
        var figures: Figures?
        /// Of the running subscription.
        var lag: LagQuestion?
        /// Events that were read and are not committed.
        var uncommittedCount = 0
        var failure: String?

        var isFollowing: Bool { lag != nil && failure == nil }
    }

    private let state = Mutex(State())

    func subscribed(_ subscription: any EventSubscription) {
        state.withLock { state in
            state.lag = LagQuestion(subscription)
            state.failure = nil
            state.uncommittedCount = 0
        }
    }

    func read(_ count: Int) { state.withLock { $0.uncommittedCount += count } }

    func committed(_ figures: Figures) {
        state.withLock { state in
            state.figures = figures
            state.uncommittedCount = 0
        }
    }

    func interrupted(_ error: BusError) {
        state.withLock { state in
            state.lag = nil
            state.failure = "\(error)"
        }
    }

    var figures: Figures? { state.withLock { $0.figures } }

    var health: PartHealth {
        let state = state.withLock { $0 }
        var values = JSONObject([("uncommitted_events", .int(Int64(state.uncommittedCount)))])
        if let upTo = state.figures?.totals.upTo { values["up_to"] = .string(upTo.description) }
        return PartHealth(
            isHealthy: state.isFollowing, isReady: state.isFollowing,
            detail: state.isFollowing ? nil : state.failure ?? "the event topic is not followed yet", values: values)
    }

    /// Events that wait to be counted; nil while nobody knows. Comes at once, whatever the bus does.
    var lag: Int? {
        get async {
            let (question, isFollowing) = state.withLock { ($0.lag, $0.isFollowing) }
            guard isFollowing, let lag = await question?.lag else { return nil }
            return lag + state.withLock { $0.uncommittedCount }
        }
    }

    func families(now: Timestamp) async -> [MetricFamily] {
        let lag = await lag
        let (figures, isFollowing) = state.withLock { ($0.figures, $0.isFollowing) }
        var following = MetricFamily(
            "stepstream_metrics_following", .gauge, help: "1 while the event topic is followed and counted, else 0.")
        following.add(.number(isFollowing ? 1 : 0))
        var events = MetricFamily(
            "stepstream_metrics_lag_events", .gauge,
            help: "Events on the topic that are not counted yet; NaN while unknown.")
        events.add(.number(lag.map(Double.init) ?? .nan))
        var seconds = MetricFamily(
            "stepstream_metrics_lag_seconds", .gauge,
            help: "Age of the newest counted event while events wait or the topic is not followed, else 0.")
        let age = figures?.totals.upTo.map { max(0, (now - $0).microseconds) } ?? 0
        seconds.add(.number(lag == 0 ? 0 : Double(age) / 1e6))
        return [following, events, seconds] + (figures?.families ?? [])
    }
}
