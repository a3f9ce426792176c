/// The aggregator's limits.
package struct AggregatorLimits: Hashable, Sendable {
    /// Bytes of a name that becomes a label; a longer one is counted as `other`.
    static let labelBytesMax = 128

    /// Distinct workflows; further ones are counted as `other`.
    package var workflowsMax: Int
    /// Distinct functions; further ones are counted as `other`.
    package var functionsMax: Int
    /// Distinct (workflow, step) pairs, and error codes, of the statistics; further ones are counted as `other`.
    package var statisticsSeriesMax: Int
    /// How long, by event time within a partition, an ended execution is remembered: as long as it may be repeated.
    package var retention: Duration
    /// How long an execution without a final event is remembered after its last event.
    package var openRetention: Duration
    /// Executions in memory between two commits; all are in the store.
    package var recordsMax: Int
    /// Ranges of sequences of one execution, thus its gaps; an event that would make more is refused as malformed.
    package var rangesMax: Int

    package init(
        workflowsMax: Int = 100, functionsMax: Int = 200, statisticsSeriesMax: Int = 200,
        retention: Duration = .seconds(7 * 86_400), openRetention: Duration = .seconds(90 * 86_400),
        recordsMax: Int = 16_384, rangesMax: Int = 1024
    ) {
        self.workflowsMax = workflowsMax
        self.functionsMax = functionsMax
        self.statisticsSeriesMax = statisticsSeriesMax
        self.retention = retention
        self.openRetention = openRetention
        self.recordsMax = recordsMax
        self.rangesMax = rangesMax
    }
}
