import EventBus
import WorkflowModel

/// Puts one execution's events together from a scan that may bring them more than once.
struct HistoryCollector {
    private let sequence: Int
    private let limit: Int
    private var events: [Int: EncodedEvent] = [:]
    private var final: Int?
    /// Everything asked for up to here is there.
    private var denseThrough: Int
    /// Whether anything of the execution was seen, at or below the asked sequence too.
    private var isKnown = false

    /// - Parameter sequence: events above it are asked for, up to `limit`.
    init(after sequence: Int, limit: Int) {
        self.sequence = sequence
        self.limit = limit
        denseThrough = sequence
    }

    mutating func add(_ event: EncodedEvent) {
        isKnown = true
        if event.isFinal { final = event.sequence }
        guard event.sequence > sequence, events[event.sequence] == nil else { return }
        events[event.sequence] = event
        // One more than asked for tells that there is more.
        if events.count > limit + 1, let last = events.keys.max() { events[last] = nil }
        while events[denseThrough + 1] != nil { denseThrough += 1 }
    }

    /// Nothing that is still to come can change the page.
    var isComplete: Bool { denseThrough >= min(sequence + limit + 1, final ?? Int.max) }

    /// What was found, also behind a hole: others may hold what a broker has lost.
    ///
    /// - Parameters:
    ///   - isSearchedWhole: everything the topic held was looked at, unless the page was complete before.
    ///   - mayBeTrimmed: retention may have taken events of this execution.
    func page(isSearchedWhole: Bool, mayBeTrimmed: Bool) -> EventHistoryPage {
        let found = events.keys.sorted().prefix(limit)
        let hasHole = (found.last ?? sequence) > sequence + found.count
        let isWhole =
            if isComplete { true } else if hasHole || !isSearchedWhole { false } else { isKnown || !mayBeTrimmed }
        return EventHistoryPage(
            events: found.compactMap { events[$0] }, hasMore: events.count > found.count, isWhole: isWhole)
    }
}
