/// What an installation can set about the embedded bus.
package struct EmbeddedBusConfiguration: Hashable, Sendable {
    /// How long and how much a topic keeps; whichever limit is reached first removes the oldest events.
    package struct Retention: Hashable, Sendable {
        /// Counted from the moment an event was appended, as Kafka's `LogAppendTime`: a replayed backlog is kept whole.
        package var age: Duration
        /// Event bytes with `TopicSchema.rowOverheadBytes` a row; the file reuses freed pages, it does not shrink.
        package var bytesMax: Int

        package init(age: Duration = .seconds(7 * 86_400), bytesMax: Int = 4 << 30) {
            self.age = age
            self.bytesMax = bytesMax
        }
    }

    package var retention: Retention
    /// An event beyond this is refused with `event_too_large`; the contract's own limit is 64 KiB.
    package var eventBytesMax: Int
    /// Bytes of recent events kept in memory for subscribers of the publishing process.
    package var recentBytesMax: Int

    package init(
        retention: Retention = Retention(), eventBytesMax: Int = 1 << 20, recentBytesMax: Int = 8 << 20
    ) {
        self.retention = retention
        self.eventBytesMax = eventBytesMax
        self.recentBytesMax = recentBytesMax
    }
}
