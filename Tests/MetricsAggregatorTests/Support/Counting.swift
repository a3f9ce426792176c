import EventBus
import WorkflowModel

@testable import MetricsAggregator

/// A store in memory, as the port promises it, for tests of the state alone.
struct StoreModel {
    private(set) var entries: [String: [UInt8]] = [:]
    private(set) var positions: [Int: Int64] = [:]

    mutating func commit(_ changes: [ConsumerChange], _ positions: [TopicPosition]) {
        for change in changes { entries[change.key] = change.value }
        for position in positions { self.positions[position.partition] = position.nextOffset }
    }

    func load(_ limits: AggregatorLimits) throws -> AggregatorState {
        var state = AggregatorState(limits: limits)
        for prefix in AggregatorState.loadedPrefixes {
            for entry in entries.filter({ $0.key.hasPrefix(prefix) }).sorted(by: { $0.key < $1.key }) {
                try state.load(ConsumerEntry(key: entry.key, value: entry.value))
            }
        }
        state.loaded()
        return state
    }
}

extension AggregatorState {
    static let farAhead = Timestamp(microseconds: .max)

    /// Counts the batch as the loop does.
    mutating func take(_ batch: some Collection<DeliveredEvent>, from store: StoreModel) throws {
        let keys = unknown(in: batch).map(Self.key(of:))
        try recall(store.entries.filter { keys.contains($0.key) })
        for event in batch { apply(event, ceiling: Self.farAhead) }
    }
}

/// Counts a topic from its beginning, each partition in order, batch by batch, with a commit after each.
func counted(
    _ topic: some Collection<DeliveredEvent>, limits: AggregatorLimits = AggregatorLimits(), batch size: Int = 100
) throws -> (figures: Figures, store: StoreModel) {
    var store = StoreModel()
    var state = try store.load(limits)
    var rest = Array(topic)[...]
    while !rest.isEmpty {
        try state.take(rest.prefix(size), from: store)
        rest = rest.dropFirst(size)
        let (changes, positions) = state.takeChanges()
        store.commit(changes, positions)
    }
    return (state.figures, store)
}

/// One partition, the events in this order.
func topic(_ events: [EncodedEvent]) -> [DeliveredEvent] { GeneratedTopic(of: events).events }
