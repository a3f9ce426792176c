package import WorkflowModel

/// Publishes a journal's events to a topic, in the journal's order.
///
/// There is one publisher of a topic at a time: the relay that holds the journal's lease.
package protocol EventPublisher: Sendable {
    /// Whether the bus stores the source position with the events; where it does not, the journal remembers for it.
    var storesSourcePosition: Bool { get }

    /// Where the topic itself says it stands; nil for an empty topic and for a bus that stores no position.
    func sourcePosition() async throws(BusError) -> SourcePosition?

    /// Publishes the batch in order and returns when the bus has acknowledged all of it.
    ///
    /// A batch whose outcome is unknown is published again by the caller; the bus may then hold duplicates, which
    /// equal ids make harmless, unless it stores the source position and drops them. Positions rise within a batch.
    /// - Throws: `BusError`; `isRetryable` says whether the same batch may succeed later.
    func publish(_ batch: [SourcedEvent]) async throws(BusError)

    /// Publishes best-effort activity; may drop, never blocks. The embedded bus reaches its own process only.
    func publishActivity(_ activity: EncodedActivity)

    func close() async
}

/// An opaque, comparable place in the source of a topic's events.
package struct SourcePosition: RawRepresentable, Hashable, Comparable, Sendable {
    package var rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    package static func < (left: SourcePosition, right: SourcePosition) -> Bool { left.rawValue < right.rawValue }
}

/// An event and its place in the source.
package struct SourcedEvent: Sendable {
    package var position: SourcePosition
    package var event: EncodedEvent
    package init(position: SourcePosition, event: EncodedEvent) {
        self.position = position
        self.event = event
    }
}

/// One `step_progress` or `step_log`, encoded; not ordered, not durable, on a topic of its own.
package struct EncodedActivity: Hashable, Sendable {
    package var executionID: ExecutionID
    package var bytes: [UInt8]
    package init(executionID: ExecutionID, bytes: [UInt8]) {
        self.executionID = executionID
        self.bytes = bytes
    }
}
