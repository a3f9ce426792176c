import EventBus
import Synchronization
import WorkflowModel

/// A bus that takes events unless it is told not to, and remembers every one it took.
final class PublisherFake: EventPublisher {
    private struct Shared {
        var taken: [SourcedEvent] = []
        var attemptCount = 0
        var isOut = false
        var bytesMax = Int.max
        var waiters: [(isDone: (Shared) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }

    let storesSourcePosition: Bool
    private let shared = Mutex(Shared())

    init(storesSourcePosition: Bool = false) { self.storesSourcePosition = storesSourcePosition }

    var taken: [SourcedEvent] { shared.withLock { $0.taken } }

    func setOutage(_ isOut: Bool) { shared.withLock { $0.isOut = isOut } }

    /// From now on larger events are refused for good.
    func setLimit(_ bytesMax: Int) { shared.withLock { $0.bytesMax = bytesMax } }

    /// Returns once the bus has taken so many events.
    func taken(atLeast count: Int) async { await wait { $0.taken.count >= count } }

    /// Returns once so many batches were offered.
    func attempts(atLeast count: Int) async { await wait { $0.attemptCount >= count } }

    func sourcePosition() async throws(BusError) -> SourcePosition? {
        storesSourcePosition ? taken.last?.position : nil
    }

    func publish(_ batch: [SourcedEvent]) async throws(BusError) {
        let refusal: BusError? = change { shared in
            shared.attemptCount += 1
            if shared.isOut { return BusError(.unavailable, "the bus is out") }
            if batch.contains(where: { $0.event.bytes.count > shared.bytesMax }) {
                return BusError(.eventTooLarge, "an event has over \(shared.bytesMax) bytes")
            }
            shared.taken += batch
            return nil
        }
        if let refusal { throw refusal }
    }

    func publishActivity(_ activity: EncodedActivity) {}
    func close() async {}

    private func wait(_ isDone: @escaping @Sendable (Shared) -> Bool) async {
        await withCheckedContinuation { continuation in
            let done = shared.withLock { shared in
                if isDone(shared) { return true }
                shared.waiters.append((isDone, continuation))
                return false
            }
            if done { continuation.resume() }
        }
    }

    private func change<Result: Sendable>(_ body: (inout Shared) -> Result) -> Result {
        let (result, ready) = shared.withLock { shared in
            let result = body(&shared)
            var ready: [CheckedContinuation<Void, Never>] = []
            var waiting = shared.waiters
            shared.waiters = []
            waiting.removeAll { waiter in
                guard waiter.isDone(shared) else { return false }
                ready.append(waiter.continuation)
                return true
            }
            shared.waiters = waiting
            return (result, ready)
        }
        for continuation in ready { continuation.resume() }
        return result
    }
}
