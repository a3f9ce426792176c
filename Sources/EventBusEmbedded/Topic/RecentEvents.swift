import EventBus
import WorkflowModel

/// The newest events of a topic in memory, whole batches within a byte budget; the oldest batch goes first.
struct RecentEvents {
    private struct Batch {
        var firstOffset: Int64
        var events: [EncodedEvent]
        var bytes: Int
        var end: Int64 { firstOffset + Int64(events.count) }
    }

    private let bytesMax: Int
    private var batches: [Batch] = []
    /// Index of the oldest kept batch; the slots before it are reclaimed when they are half of the array.
    private var first = 0
    private var bytes = 0

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    mutating func append(firstOffset: Int64, events: [EncodedEvent], bytes added: Int) {
        if let last = batches.last, last.end != firstOffset { removeAll() }
        batches.append(Batch(firstOffset: firstOffset, events: events, bytes: added))
        bytes += added
        while bytes > bytesMax, first < batches.count {
            bytes -= batches[first].bytes
            batches[first].events = []
            first += 1
        }
        if first > 64, first * 2 > batches.count {
            batches.removeFirst(first)
            first = 0
        }
    }

    mutating func removeAll() {
        batches = []
        first = 0
        bytes = 0
    }

    /// Up to `limit` events from `offset` on; empty when the offset is not kept.
    func events(from offset: Int64, limit: Int) -> [DeliveredEvent] {
        guard first < batches.count, batches[first].firstOffset <= offset else { return [] }
        // The last batch that begins at or before the offset.
        var low = first
        var high = batches.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if batches[middle].firstOffset <= offset { low = middle } else { high = middle }
        }
        var result: [DeliveredEvent] = []
        var next = offset
        while low < batches.count, result.count < limit, next < batches[low].end {
            let start = Int(next - batches[low].firstOffset)
            for event in batches[low].events[start...].prefix(limit - result.count) {
                result.append(DeliveredEvent(partition: 0, offset: next, event: event))
                next += 1
            }
            low += 1
        }
        return result
    }
}
