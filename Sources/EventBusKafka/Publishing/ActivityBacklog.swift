import EventBus

/// Activity that waits until its producer is open: the oldest goes when there is too much.
struct ActivityBacklog: Sendable {
    /// As much as the producer itself may hold.
    static let recordsMax = 1000
    static let bytesMax = 4 << 20

    /// Each with its time, Unix milliseconds.
    private(set) var entries: [(activity: EncodedActivity, milliseconds: Int64)] = []
    private var byteCount = 0

    mutating func append(_ activity: EncodedActivity, milliseconds: Int64) {
        entries.append((activity, milliseconds))
        byteCount += activity.bytes.count
        var dropped = 0
        while entries.count - dropped > Self.recordsMax || byteCount > Self.bytesMax {
            byteCount -= entries[dropped].activity.bytes.count
            dropped += 1
        }
        entries.removeFirst(dropped)
    }
}
