import WorkflowEngine
import WorkflowModel

/// What the relay has still to publish, in memory: a bounded window at the end of the journal.
///
/// When it overflows it lets everything go and says so; the relay then reads the journal until it has caught up.
struct RelayBuffer: Sendable {
    static let eventsMax = 16_384
    static let bytesMax = 16 << 20

    private(set) var events: [CommittedEvent] = []
    private(set) var byteCount = 0
    /// True when events were let go that only the journal has.
    private(set) var isBehind = true

    mutating func add(_ committed: [CommittedEvent]) {
        guard !isBehind else { return }
        events.append(contentsOf: committed)
        for event in committed { byteCount += event.event.bytes.count }
        if events.count > Self.eventsMax || byteCount > Self.bytesMax {
            drop()
            isBehind = true
        }
    }

    /// Begins to collect again; what was committed before this call is read from the journal.
    mutating func collect() {
        drop()
        isBehind = false
    }

    mutating func take() -> [CommittedEvent] {
        defer { drop() }
        return events
    }

    private mutating func drop() {
        events = []
        byteCount = 0
    }
}
