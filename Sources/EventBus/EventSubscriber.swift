package import WorkflowModel

/// Opens subscriptions to the event topic.
package protocol EventSubscriber: Sendable {
    /// - Throws: `BusError.groupTaken` where a bus allows one member a group and another process is it.
    func subscribe(_ options: SubscriptionOptions) async throws(BusError) -> any EventSubscription
}

package struct SubscriptionOptions: Hashable, Sendable {
    package enum Start: Hashable, Sendable {
        /// Everything the topic still holds.
        case beginning
        /// Everything published after `subscribe` has returned.
        case end
        /// What lies at or after the positions, for a consumer without a group that keeps them itself; from the
        /// beginning in a partition without one, and in one that is shorter: it is another than was read.
        case positions([TopicPosition])
    }

    /// A named group resumes after what it committed; nil sees every partition and commits nothing.
    package var group: String?
    /// Where to begin when there is no committed position.
    package var start: Start

    package init(group: String? = nil, start: Start) {
        self.group = group
        self.start = start
    }
}

/// A running subscription: pull-based, so a slow consumer holds back nobody but itself.
///
/// One task at a time calls `next`.
package protocol EventSubscription: Sendable {
    /// Waits for at least one record and gives up to `limit`, in order within each partition; empty only after `close`.
    ///
    /// - Throws: `closed` when the waiting task is cancelled or the whole bus is closed.
    func next(limit: Int) async throws(BusError) -> [DeliveredEvent]

    /// Remembers the positions for the group, after the effect of everything up to them; nothing without a group.
    func commit(_ positions: [TopicPosition]) async throws(BusError)

    /// Events on the topic that this subscription has not delivered yet, over all partitions; nil when unknown.
    var lag: Int? { get async }

    func close() async
}

/// The next offset to read in a partition.
package struct TopicPosition: Hashable, Sendable {
    package var partition: Int
    package var nextOffset: Int64
    package init(partition: Int, nextOffset: Int64) {
        self.partition = partition
        self.nextOffset = nextOffset
    }
}

/// The bus record: an event and where it stood on the topic.
package struct DeliveredEvent: Hashable, Sendable {
    package var partition: Int
    package var offset: Int64
    package var event: EncodedEvent
    package init(partition: Int, offset: Int64, event: EncodedEvent) {
        self.partition = partition
        self.offset = offset
        self.event = event
    }
}
