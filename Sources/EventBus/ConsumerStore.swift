/// A consumer's own state beside its position: both change in one transaction, so effects are counted once.
///
/// The store is the truth about what was counted; the group's committed position trails it. After a restart the
/// consumer ignores delivered events whose offset is below the store's position for their partition.
package protocol ConsumerStore: Sendable {
    /// The positions committed last; empty at first.
    func positions() async throws(BusError) -> [TopicPosition]
    func value(for key: String) async throws(BusError) -> [UInt8]?
    /// The values of those keys that have one.
    func values(for keys: [String]) async throws(BusError) -> [String: [UInt8]]
    /// Entries whose key begins with `prefix`, in key order, after the given key.
    func entries(prefix: String, after key: String?, limit: Int) async throws(BusError) -> [ConsumerEntry]
    /// Applies the changes (nil removes) and the positions atomically and durably.
    func commit(_ changes: [ConsumerChange], positions: [TopicPosition]) async throws(BusError)
    func close() async
}

package struct ConsumerEntry: Hashable, Sendable {
    package var key: String
    package var value: [UInt8]
    package init(key: String, value: [UInt8]) {
        self.key = key
        self.value = value
    }
}

package struct ConsumerChange: Hashable, Sendable {
    package var key: String
    /// nil removes the key.
    package var value: [UInt8]?
    package init(key: String, value: [UInt8]?) {
        self.key = key
        self.value = value
    }
}
