import Synchronization
import WorkflowEngine
import WorkflowModel

/// A plugin `test` without a process: `echo` completes with its input, `fail` fails for good, `hold` waits until it is
/// released or cancelled.
final class ScriptedSteps: StepRunner, FunctionCatalog {
    private struct Shared {
        var functions = ["echo", "fail", "hold"]
        var gates: [AsyncStream<Void>.Continuation] = []
        var calls: [StepCall] = []
        var loading: [String] = []
        var loadWaiters: [AsyncStream<Void>.Continuation] = []
    }

    private let shared = Mutex(Shared())
    /// Calls of `hold`, as they begin.
    let held: AsyncStream<StepCall>
    private let announceHeld: AsyncStream<StepCall>.Continuation

    init() { (held, announceHeld) = AsyncStream.makeStream() }

    var plugins: [PluginDescription] {
        if !loading.isEmpty { return [] }
        return [
            PluginDescription(
                name: "test", version: "1", sdk: "none", hash: String(repeating: "a", count: 64), path: "/test.so",
                functions: shared.withLock { $0.functions }.map { FunctionDescription(name: $0) })
        ]
    }
    var failures: [PluginFailure] {
        [PluginFailure(path: "/broken.so", code: "not_elf", message: "it is not an ELF file")]
    }

    var calls: [StepCall] { shared.withLock { $0.calls } }

    // MARK: Loading

    /// While files are looked at, none of the plugins is offered.
    var loading: [String] { shared.withLock { $0.loading } }

    func beginLoading() { shared.withLock { $0.loading = ["/test.so"] } }

    func endLoading() {
        let waiters = shared.withLock { shared in
            shared.loading = []
            defer { shared.loadWaiters = [] }
            return shared.loadWaiters
        }
        for waiter in waiters { waiter.finish() }
    }

    /// How many requests wait for a plugin.
    var loadWaiterCount: Int { shared.withLock { $0.loadWaiters.count } }

    func loaded(_ plugins: Set<String>) async {
        let (end, waiter) = AsyncStream.makeStream(of: Void.self)
        let isWaiting = shared.withLock { shared in
            guard !shared.loading.isEmpty else { return false }
            shared.loadWaiters.append(waiter)
            return true
        }
        if isWaiting { for await _ in end {} }
    }

    func withdraw(_ function: String) { shared.withLock { $0.functions.removeAll { $0 == function } } }

    func releaseAll() {
        let gates = shared.withLock { shared in
            defer { shared.gates = [] }
            return shared.gates
        }
        for gate in gates { gate.finish() }
    }

    func trace(of execution: ExecutionID, path: String, attempt: Int) -> AttemptTrace { .inHost }
    func recorded(_ call: StepCall) {}

    func run(_ call: StepCall) async -> StepOutcome {
        shared.withLock { $0.calls.append(call) }
        switch call.function.function {
        case "echo": break
        case "fail":
            let error = StepError(code: "broken", message: "it broke", isRetryable: false)
            return StepOutcome(result: .failed(error), executionMilliseconds: 2)
        default:
            let (gate, release) = AsyncStream.makeStream(of: Void.self)
            shared.withLock { $0.gates.append(release) }
            announceHeld.yield(call)
            // Ends when it is released, or when the task is cancelled.
            for await _ in gate {}
            if Task.isCancelled {
                let error = StepError(code: StepErrorCode.cancelled, message: "cancelled", isRetryable: false)
                return StepOutcome(result: .failed(error))
            }
        }
        return StepOutcome(result: .completed(output: call.input), executionMilliseconds: 1.5)
    }
}
