/// The gateway's limits; each is a setting.
package struct GatewayConfiguration: Sendable {
    /// Memory for recent executions' events, their bookkeeping included.
    package var memoryBytesMax: Int
    /// Clients at a time, over both protocols; further ones are refused with 503.
    package var clientsMax: Int
    /// History scans at a time: on Kafka each reads a stretch of a partition.
    package var scansMax: Int
    /// Of these, how many for one caller: another one's search finds a place.
    package var scansPerOwnerMax: Int
    /// How long the topic keeps events. The beginning of an older execution is announced as missing without a search,
    /// which would read the whole topic. nil where a search costs nothing.
    package var retention: Duration?
    /// How long an execution that nobody knows is not looked for again.
    package var unknownRetention: Duration
    /// How many such executions are remembered.
    package var unknownCountMax: Int
    /// The first pause before looking again for events that neither the topic nor its history gave.
    package var gapRetryDelay: Duration
    /// After so many looks what is missing is announced, not waited for.
    package var gapRetriesMax: Int

    package init(
        memoryBytesMax: Int = 64 << 20, clientsMax: Int = 20_000, scansMax: Int = 4,
        scansPerOwnerMax: Int = 3, retention: Duration? = nil,
        unknownRetention: Duration = .seconds(5), unknownCountMax: Int = 10_000,
        gapRetryDelay: Duration = .milliseconds(250), gapRetriesMax: Int = 4
    ) {
        self.memoryBytesMax = memoryBytesMax
        self.clientsMax = clientsMax
        self.scansMax = scansMax
        self.scansPerOwnerMax = scansPerOwnerMax
        self.retention = retention
        self.unknownRetention = unknownRetention
        self.unknownCountMax = unknownCountMax
        self.gapRetryDelay = gapRetryDelay
        self.gapRetriesMax = gapRetriesMax
    }
}
