import Dispatch
import EventBus
import Synchronization

/// A thread of its own, while there is work, for calls that block, in the order they were submitted.
///
/// A serial queue takes no thread of the cooperative pool, and none at all while it is idle.
struct BlockingThread: Sendable {
    private let queue: DispatchQueue

    init(_ name: String) { queue = DispatchQueue(label: "stepstream.kafka.\(name)") }

    func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws(BusError) -> Value
    ) async throws(BusError) -> Value {
        typealias Waiting = CheckedContinuation<Result<Value, BusError>, Never>
        let result = await withCheckedContinuation { (continuation: Waiting) in
            queue.async {
                do throws(BusError) { continuation.resume(returning: .success(try work())) } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    func submit(_ job: @escaping @Sendable () -> Void) { queue.async(execute: job) }

    /// Runs `work` and waits for it no longer than `deadline`; false when it is still running.
    func run(within deadline: Duration, _ work: @escaping @Sendable () -> Void) async -> Bool {
        await withCheckedContinuation { continuation in
            let once = Once(continuation)
            queue.async {
                work()
                once.resume(true)
            }
            let nanoseconds = Int(clamping: deadline.components.seconds) * 1_000_000_000
                + Int(deadline.components.attoseconds / 1_000_000_000)
            DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { once.resume(false) }
        }
    }

    private final class Once: Sendable {
        private let continuation: Mutex<CheckedContinuation<Bool, Never>?>
        init(_ continuation: CheckedContinuation<Bool, Never>) { self.continuation = Mutex(continuation) }
        func resume(_ value: Bool) {
            let taken = continuation.withLock { continuation in
                defer { continuation = nil }
                return continuation
            }
            taken?.resume(returning: value)
        }
    }
}
