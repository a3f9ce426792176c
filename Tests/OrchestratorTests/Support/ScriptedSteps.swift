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
    }

    private let shared = Mutex(Shared())
    /// Calls of `hold`, as they begin.
    let held: AsyncStream<StepCall>
    private let announceHeld: AsyncStream<StepCall>.Continuation

    init() { (held, announceHeld) = AsyncStream.makeStream() }

    var plugins: [PluginDescription] {
        [
            PluginDescription(
                name: "test", version: "1", sdk: "none", hash: String(repeating: "a", count: 64), path: "/test.so",
                functions: shared.withLock { $0.functions }.map { FunctionDescription(name: $0) })
        ]
    }
    var failures: [PluginFailure] {
        [PluginFailure(path: "/broken.so", code: "not_elf", message: "it is not an ELF file")]
    }

    var calls: [StepCall] { shared.withLock { $0.calls } }

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
