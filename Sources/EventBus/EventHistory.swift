package import WorkflowModel

/// Reads what the topic still holds of one execution.
package protocol EventHistory: Sendable {
    /// The execution's events with a sequence above `sequence`, ascending and without duplicates, up to `limit`.
    ///
    /// Takes the topic as it stands when called; a caller that also follows the topic attaches first, then asks.
    func events(of execution: ExecutionID, after sequence: Int, limit: Int) async throws(BusError) -> EventHistoryPage
}

package struct EventHistoryPage: Sendable {
    package var events: [EncodedEvent]
    /// True when `limit` cut the page: ask again after its last event.
    package var hasMore: Bool
    /// False when the topic no longer holds, or could not be searched for, everything asked for; never skipped silently.
    package var isWhole: Bool

    package init(events: [EncodedEvent], hasMore: Bool, isWhole: Bool) {
        self.events = events
        self.hasMore = hasMore
        self.isWhole = isWhole
    }
}
