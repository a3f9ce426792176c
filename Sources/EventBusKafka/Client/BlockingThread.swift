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

    /// Runs `work`, and stops waiting for it when the task is cancelled: it then ends alone and its value is dropped.
    func ask<Value: Sendable>(
        _ work: @escaping @Sendable () throws(BusError) -> Value
    ) async throws(BusError) -> Value {
        let once = Once<Result<Value, BusError>>()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                once.await(continuation)
                queue.async {
                    do throws(BusError) { once.resume(.success(try work())) } catch { once.resume(.failure(error)) }
                }
            }
        } onCancel: {
            once.resume(.failure(BusError(.closed, "the waiting task was cancelled")))
        }
        return try result.get()
    }

    func submit(_ job: @escaping @Sendable () -> Void) { queue.async(execute: job) }

    /// Runs `work` and waits for it no longer than `deadline`; false when it is still running.
    func run(within deadline: Duration, _ work: @escaping @Sendable () -> Void) async -> Bool {
        await withCheckedContinuation { continuation in
            let once = Once<Bool>()
            once.await(continuation)
            queue.async {
                work()
                once.resume(true)
            }
            let nanoseconds = Int(clamping: deadline.components.seconds) * 1_000_000_000
                + Int(deadline.components.attoseconds / 1_000_000_000)
            DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { once.resume(false) }
        }
    }

    /// Resumes its continuation with the first value that comes, also when that came before the continuation.
    private final class Once<Value: Sendable>: Sendable {
        private enum State {
            case empty
            case waiting(CheckedContinuation<Value, Never>)
            case early(Value)
            case done
        }

        private let state = Mutex(State.empty)

        func await(_ continuation: CheckedContinuation<Value, Never>) {
            let early = state.withLock { state -> Value? in
                if case .early(let value) = state {
                    state = .done
                    return value
                }
                state = .waiting(continuation)
                return nil
            }
            if let early { continuation.resume(returning: early) }
        }

        func resume(_ value: Value) {
            let waiting = state.withLock { state -> CheckedContinuation<Value, Never>? in
                switch state {
                case .empty: state = .early(value)
                case .waiting(let continuation):
                    state = .done
                    return continuation
                case .early, .done: break
                }
                return nil
            }
            waiting?.resume(returning: value)
        }
    }
}
