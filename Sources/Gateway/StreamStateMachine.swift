import WebServing

/// What one client gets next: the decisions of a stream, without I/O.
///
/// Sends sequence after sequence from where the client stands, never one twice, never one too early. A hole is filled
/// by the live topic or by history, whichever is first; only what history has not is left out, and that is said.
struct StreamStateMachine {
    enum Action {
        case send(ArraySlice<StreamMessage>, through: Int)
        /// History is needed, from the given sequence on.
        case fetch(after: Int)
        /// Tell the client that these events are lost; `to` nil: that it is unknown whether there are more.
        case announceMissing(from: Int, to: Int?)
        /// Everything was sent.
        case end
        case wait
    }

    /// A connection takes this much in one go, so that a long replay does not fill its queue at once.
    static let sendBytesMax = 64 << 10

    /// The last sequence the client has, or was told is lost.
    private(set) var sent: Int
    /// The connection refused more; nothing is sent until it has room.
    private(set) var isBlocked = false
    private(set) var isEnded = false
    private var hasAnnouncedTruncation = false

    init(after sequence: Int) { sent = sequence }

    func next(in log: ExecutionLog) -> Action {
        if isEnded || isBlocked { return .wait }
        let run = log.run(after: sent, bytesMax: Self.sendBytesMax)
        if let last = run.last?.sequence { return .send(run, through: last) }
        if let final = log.final, sent >= final { return .end }
        if log.highest > sent {
            guard sent < log.unservableThrough else { return .fetch(after: sent) }
            let next = log.firstHeld(after: sent) ?? log.highest + 1
            return .announceMissing(from: sent + 1, to: next - 1)
        }
        // One event further back, so that a client that has the final event is told so.
        let from = max(0, sent - 1)
        guard let complete = log.completeAfter, complete <= sent else { return .fetch(after: from) }
        if log.isTruncated, !hasAnnouncedTruncation { return .announceMissing(from: sent + 1, to: nil) }
        return .wait
    }

    mutating func didSend(through sequence: Int) { sent = max(sent, sequence) }

    mutating func didAnnounceMissing(to sequence: Int?) {
        if let sequence { sent = max(sent, sequence) }
        hasAnnouncedTruncation = true
    }

    mutating func didRefuse() { isBlocked = true }

    mutating func hasRoom() { isBlocked = false }

    mutating func didEnd() { isEnded = true }
}
