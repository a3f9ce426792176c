/// When a delivery that failed is tried again.
package struct RetrySchedule: Hashable, Sendable {
    /// After the first failure, the second …; one more failure than there are delays is the last.
    package var delays: [Duration]

    /// The schedule that Standard Webhooks 1.0 recommends ("Deliverability and reliability", after the immediate attempt).
    package static let standard = RetrySchedule(
        delays: [
            .seconds(5), .seconds(300), .seconds(1_800), .seconds(7_200), .seconds(18_000), .seconds(36_000),
            .seconds(50_400), .seconds(72_000), .seconds(86_400),
        ])

    package init(delays: [Duration]) { self.delays = delays }

    /// A receiver may ask for more time, up to this.
    static let retryAfterMax = Duration.seconds(3_600)
    /// The share of a delay that chance adds, so that what failed together is not tried together.
    private static let jitterShare = 0.2

    /// - Parameters:
    ///   - attempts: how many have failed, from 1.
    ///   - retryAfter: what the receiver asked for.
    ///   - chance: from 0 to 1.
    /// - Returns: nil when that was the last attempt.
    func delay(afterAttempts attempts: Int, retryAfter: Duration?, chance: Double) -> Duration? {
        guard delays.indices.contains(attempts - 1) else { return nil }
        let delay = delays[attempts - 1] * (1 + Self.jitterShare * chance)
        return retryAfter.map { max(delay, min($0, Self.retryAfterMax)) } ?? delay
    }
}
