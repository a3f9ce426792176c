import WorkflowModel

/// A channel's way to its receiver.
protocol MessageSender: Sendable {
    /// Makes one attempt; ends in time whatever the receiver does.
    func send(_ message: OutgoingMessage) async -> DeliveryOutcome
    func close() async
}

/// A message on its way.
struct OutgoingMessage: Sendable {
    /// The delivery's.
    var id: String
    /// `ApprovalMessage`, encoded.
    var body: [UInt8]
    /// When the attempt begins.
    var now: Timestamp
    /// Those that it is for, where others of the channel have it; nil: all.
    var recipients: [String]?
}
