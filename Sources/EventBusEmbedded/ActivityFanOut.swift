package import EventBus
import Synchronization

/// Activity within the process: what the publisher sends reaches every follower of the same bus, and nobody else.
///
/// A follower that falls behind loses the oldest; lifecycle events never pass here and never wait for this.
package final class ActivityFanOut: ActivitySubscriber {
    /// Messages a follower may be behind.
    static let pendingMax = 256

    private struct State {
        var followers: [UInt64: AsyncStream<EncodedActivity>.Continuation] = [:]
        var tokens: UInt64 = 0
        var isClosed = false
    }
    private let state = Mutex(State())

    package func activity() -> AsyncStream<EncodedActivity> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: EncodedActivity.self, bufferingPolicy: .bufferingNewest(Self.pendingMax))
        let token = state.withLock { state -> UInt64? in
            guard !state.isClosed else { return nil }
            state.tokens += 1
            state.followers[state.tokens] = continuation
            return state.tokens
        }
        guard let token else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            // The removed value is released outside the lock.
            _ = self?.state.withLock { $0.followers.removeValue(forKey: token) }
        }
        return stream
    }

    func send(_ activity: EncodedActivity) {
        let followers = state.withLock { Array($0.followers.values) }
        for follower in followers { follower.yield(activity) }
    }

    func close() {
        let followers = state.withLock { state in
            state.isClosed = true
            return Array(state.followers.values)
        }
        for follower in followers { follower.finish() }
    }
}
