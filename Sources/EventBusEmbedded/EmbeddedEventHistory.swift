package import EventBus
package import WorkflowModel

/// History by the topic file's index: what the file holds, and whether that is all there was.
package struct EmbeddedEventHistory: EventHistory {
    /// Events a page has at most, whatever its limit.
    static let pageMax = 1000

    let topic: EmbeddedTopic

    package func events(
        of execution: ExecutionID, after sequence: Int, limit: Int
    ) async throws(BusError) -> EventHistoryPage {
        try await topic.history(of: execution, after: sequence, limit: min(max(limit, 1), Self.pageMax))
    }
}
