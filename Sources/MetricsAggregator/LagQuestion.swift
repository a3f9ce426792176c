import EventBus
import Synchronization

/// Asks a subscription for its lag on behalf of scrapes, which a bus that does not answer must not hold up.
///
/// Exact lag is a question to the brokers, and one that is away answers after seconds. So one question at a time is
/// under way, every scrape that comes meanwhile shares it, and each waits for the answer no longer than `patience`.
/// Without it the lag is unknown, but for a link that is slow as a rule: the last answer was late, too, and is shown.
final class LagQuestion: Sendable {
    /// Many times a round trip in one network, and nothing beside the time limit of a scrape.
    private static let patience = Duration.milliseconds(100)
    /// Scrapes come about every 15 s: a late answer is shown by the next one.
    private static let lifetime = Duration.seconds(60)

    private struct State {
        var isAsking = false
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var serial = 0
        var answer: (lag: Int?, until: ContinuousClock.Instant, isLate: Bool)?
    }

    private let subscription: any EventSubscription
    private let state = Mutex(State())

    init(_ subscription: any EventSubscription) { self.subscription = subscription }

    /// nil while unknown.
    var lag: Int? {
        get async {
            let token = state.withLock { state in
                state.serial += 1
                return state.serial
            }
            await withCheckedContinuation { continuation in
                let begins = state.withLock { state in
                    state.waiting[token] = continuation
                    if state.isAsking { return false }
                    state.isAsking = true
                    if state.answer?.isLate == false { state.answer = nil }
                    return true
                }
                // Unstructured: who asked may go, the others still wait.
                if begins { Task { await self.ask() } }
                Task {
                    try? await Task.sleep(for: Self.patience)
                    self.state.withLock { $0.waiting.removeValue(forKey: token) }?.resume()
                }
            }
            return state.withLock { state in
                guard let answer = state.answer, answer.until > .now else { return nil }
                return answer.lag
            }
        }
    }

    private func ask() async {
        let start = ContinuousClock.now
        let lag = await subscription.lag
        let waiting = state.withLock { state in
            state.isAsking = false
            state.answer = (lag, .now + Self.lifetime, isLate: .now - start > Self.patience)
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume() }
    }
}
