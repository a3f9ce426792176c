import EventBus
import WebServing
import WorkflowModel

/// What memory holds of one execution, merged from the live topic and its history: each sequence once, in order.
///
/// Live events may come twice, come again as a run of earlier sequences, or leave a gap; history pages overlap with
/// them. The log takes them in any order and says what of the execution it can vouch for.
struct ExecutionLog {
    /// An event's own bytes plus this for its buffers and the arrays it stands in.
    static let eventOverheadBytes = 192

    /// Ascending by sequence, without duplicates, perhaps with holes.
    private var messages: [StreamMessage] = []
    private(set) var byteCount = 0
    /// The highest sequence ever seen, 0 for none; stays when memory is given back.
    private(set) var highest = 0
    /// The sequence of the final event, once seen.
    private(set) var final: Int?
    /// Every event above this that the topic held is in the log or was; nil when nothing is known.
    private(set) var completeAfter: Int?
    /// Events up to here that are missing will not come: history was asked and does not have them.
    private(set) var unservableThrough = 0
    /// History could not be searched to its end, so there may be events that the log does not know of.
    private(set) var isTruncated = false

    /// The topic no longer holds the execution's beginning, up to the event before the first one seen.
    private var isBeginningLost = false
    /// Events up to here are lost with the beginning; 0 while no event was seen.
    private var lostThrough = 0

    /// - Parameter isComplete: the execution began after the live subscription, so all of it comes live.
    init(isComplete: Bool) { completeAfter = isComplete ? 0 : nil }

    /// For an execution older than what the topic keeps: history is not asked for its beginning.
    static func withoutBeginning() -> ExecutionLog {
        var log = ExecutionLog(isComplete: true)
        log.isTruncated = true
        log.isBeginningLost = true
        return log
    }

    var isEmpty: Bool { messages.isEmpty }

    /// Takes an event from wherever it comes.
    /// - Returns: false for one that is held already.
    @discardableResult
    mutating func insert(_ event: EncodedEvent) -> Bool {
        let index = position(of: event.sequence)
        guard index == messages.count || messages[index].sequence != event.sequence else { return false }
        let message = StreamMessage(sequence: event.sequence, type: event.type, bytes: event.bytes)
        messages.insert(message, at: index)
        byteCount += message.byteCount + Self.eventOverheadBytes
        if isBeginningLost, highest == 0 {
            // Now it is known what is lost.
            lostThrough = event.sequence - 1
            unservableThrough = lostThrough
            isTruncated = false
        }
        highest = max(highest, event.sequence)
        if event.isFinal { final = event.sequence }
        return true
    }

    /// The events that follow `sequence` without a hole, as many as fit `bytesMax` and at least one.
    func run(after sequence: Int, bytesMax: Int) -> ArraySlice<StreamMessage> {
        let start = position(of: sequence + 1)
        var end = start
        var byteCount = 0
        while end < messages.count, messages[end].sequence == sequence + 1 + (end - start) {
            byteCount += messages[end].byteCount
            if byteCount > bytesMax, end > start { break }
            end += 1
        }
        return messages[start..<end]
    }

    /// The lowest sequence held above `sequence`.
    func firstHeld(after sequence: Int) -> Int? {
        let index = position(of: sequence + 1)
        return index < messages.count ? messages[index].sequence : nil
    }

    /// Whether the log misses an event between `sequence` and the highest it knows of.
    func hasGap(after sequence: Int) -> Bool {
        guard highest > sequence else { return false }
        let start = position(of: sequence + 1)
        return messages.count - start < highest - sequence
    }

    /// History was read from `sequence` to the topic's end and is in the log.
    mutating func markComplete(after sequence: Int) {
        completeAfter = min(completeAfter ?? sequence, sequence)
    }

    /// History was asked from `sequence` and cannot give what is still missing.
    mutating func markUnservable(after sequence: Int, isTruncated: Bool) {
        unservableThrough = max(unservableThrough, highest, sequence)
        self.isTruncated = self.isTruncated || isTruncated
        markComplete(after: sequence)
    }

    /// The live subscription was interrupted: events may have passed unseen.
    mutating func markInterrupted() {
        // Of an execution that no event came of, clients were told already that anything may be missing.
        if isBeginningLost, highest == 0 { return }
        completeAfter = nil
        unservableThrough = lostThrough
        isTruncated = false
    }

    /// Gives the memory back; what was known stays known.
    mutating func evict() {
        messages = []
        byteCount = 0
        unservableThrough = lostThrough
        if completeAfter != nil { completeAfter = highest }
    }

    /// Where `sequence` is or would be inserted.
    private func position(of sequence: Int) -> Int {
        // Nearly every event comes last.
        guard let last = messages.last?.sequence, sequence <= last else { return messages.count }
        var low = 0
        var high = messages.count - 1
        while low < high {
            let middle = (low + high) / 2
            if (messages[middle].sequence ?? 0) < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
