import CRdKafka
import EventBus
import Synchronization

/// Which batches the broker still owes an acknowledgement; fed by delivery reports.
///
/// Holds one entry for each `publish` that is under way.
final class Deliveries: Sendable {
    /// One batch; its number travels with each of its records through the library.
    final class Ticket: Sendable {
        let number: UInt
        let latch = Latch()
        fileprivate init(number: UInt) { self.number = number }
    }

    fileprivate struct Batch {
        var ticket: Ticket
        var unacknowledged: Int
        /// All records are handed over, so that only the batch's own end is worth a wake-up.
        var isSealed = false
        var failure: BusError?
    }

    fileprivate struct State {
        var batches: [UInt: Batch] = [:]
        var serial: UInt = 0
        var published = 0
        var failures = 0
        var latency = LatencyHistogram()
    }

    private let state = Mutex(State())

    func open(count: Int) -> Ticket {
        state.withLock { state in
            state.serial += 1
            let ticket = Ticket(number: state.serial)
            state.batches[state.serial] = Batch(ticket: ticket, unacknowledged: count)
            return ticket
        }
    }

    func seal(_ ticket: Ticket) { state.withLock { $0.batches[ticket.number]?.isSealed = true } }

    /// Ends the batch for its waiter, whatever is still to come for it.
    func fail(_ ticket: Ticket, _ error: BusError) {
        state.withLock { state in
            if state.batches[ticket.number]?.failure == nil { state.batches[ticket.number]?.failure = error }
        }
        ticket.latch.signal()
    }

    func failAll(_ error: BusError) {
        for ticket in state.withLock({ $0.batches.values.map(\.ticket) }) { fail(ticket, error) }
    }

    /// True once every record is acknowledged. - Throws: what the first failed record failed with.
    func isDone(_ ticket: Ticket) throws(BusError) -> Bool {
        let batch = state.withLock { $0.batches[ticket.number] }
        if let failure = batch?.failure { throw failure }
        return batch?.unacknowledged ?? 0 == 0
    }

    func close(_ ticket: Ticket) { state.withLock { _ = $0.batches.removeValue(forKey: ticket.number) } }

    var counts: (published: Int, failures: Int, latency: LatencyHistogram) {
        state.withLock { ($0.published, $0.failures, $0.latency) }
    }

    /// Takes a delivery report event over, on the poller's thread.
    func take(_ event: OpaquePointer) {
        var messages = [UnsafePointer<rd_kafka_message_t>?](repeating: nil, count: rd_kafka_event_message_count(event))
        let count = rd_kafka_event_message_array(event, &messages, messages.count)
        let awakened = state.withLock { state in
            for case let message? in messages.prefix(count) { state.take(message) }
            return state.batches.values.compactMap { batch in
                !batch.isSealed || batch.unacknowledged == 0 || batch.failure != nil ? batch.ticket : nil
            }
        }
        // Its records count as queued until here: who waits for room would find none before.
        rd_kafka_event_destroy(event)
        for ticket in awakened { ticket.latch.signal() }
    }
}

extension Deliveries.State {
    fileprivate mutating func take(_ message: UnsafePointer<rd_kafka_message_t>) {
        let number = UInt(bitPattern: message.pointee._private)
        let code = message.pointee.err
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            failures += 1
            if batches[number]?.failure == nil { batches[number]?.failure = KafkaErrors.error(code) }
            return
        }
        published += 1
        batches[number]?.unacknowledged -= 1
        let microseconds = rd_kafka_message_latency(message)
        if microseconds >= 0 { latency.add(microseconds: microseconds) }
    }
}
