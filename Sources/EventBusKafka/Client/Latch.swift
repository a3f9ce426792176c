import Synchronization

/// Remembers one signal for one waiting task, so that none is lost between a look and the wait.
final class Latch: Sendable {
    private enum State {
        case clear, set
        case waiting(CheckedContinuation<Void, Never>)
    }
    private let state = Mutex(State.clear)

    /// Forgets a signal; what it told of is looked at next.
    func clear() { state.withLock { if case .set = $0 { $0 = .clear } } }

    func signal() {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard case .waiting(let continuation) = state else {
                state = .set
                return nil
            }
            state = .clear
            return continuation
        }
        waiting?.resume()
    }

    /// Returns at once after a signal since `clear`, else with the next; also when the task is cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if case .set = state {
                        state = .clear
                        return true
                    }
                    if case .waiting = state { preconditionFailure("one task at a time waits for a latch") }
                    if Task.isCancelled { return true }
                    state = .waiting(continuation)
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            signal()
        }
    }
}
