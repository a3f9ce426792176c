/// How often and when a failed attempt is repeated: exponential backoff with a cap and full jitter.
///
/// The delay before attempt n+1 is `min(maxInterval, initialInterval · multiplier^(n−1))`; with `full` jitter a
/// uniform share of it (M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
package struct RetryPolicy: Hashable, Sendable {
    package enum Jitter: String, CaseIterable, Sendable { case none, full }

    /// The first one included; 1 means no retry.
    package var attemptsMax: Int
    package var initialInterval: Duration
    package var multiplier: Double
    package var maxInterval: Duration
    package var jitter: Jitter
    /// Error codes that end the step at once.
    package var nonRetryable: [String]

    package init(
        attemptsMax: Int = 1, initialInterval: Duration = .seconds(1), multiplier: Double = 2,
        maxInterval: Duration = .seconds(60), jitter: Jitter = .full, nonRetryable: [String] = []
    ) {
        self.attemptsMax = attemptsMax
        self.initialInterval = initialInterval
        self.multiplier = multiplier
        self.maxInterval = maxInterval
        self.jitter = jitter
        self.nonRetryable = nonRetryable
    }

    /// The wait after the given failed attempt (from 1); `random` is uniform in 0..<1.
    package func delay(afterAttempt attempt: Int, random: Double) -> Duration {
        var microseconds = Double(initialInterval.microseconds)
        let cap = Double(maxInterval.microseconds)
        // Bounded: past the cap the loop ends, and a multiplier of 1 never grows.
        for _ in 1..<max(attempt, 1) {
            guard microseconds < cap, multiplier > 1 else { break }
            microseconds *= multiplier
        }
        microseconds = min(microseconds, cap)
        return .microseconds(Int64(jitter == .full ? microseconds * random : microseconds))
    }
}
