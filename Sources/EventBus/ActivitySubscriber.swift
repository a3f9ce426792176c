/// Follows `step_progress` and `step_log`: best effort, unordered between steps, never repeated.
///
/// The embedded bus carries activity within the publishing process only; other processes see lifecycle events alone.
package protocol ActivitySubscriber: Sendable {
    /// What is published from now on; a follower that falls behind loses the oldest. Ends when the bus closes.
    func activity() -> AsyncStream<EncodedActivity>
}
