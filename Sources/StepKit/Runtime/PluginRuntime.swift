internal import FoundationEssentials
internal import StepABI
internal import Synchronization

/// The state behind the C table: the steps, the calls in flight and the requests that wait for their reply.
package final class PluginRuntime: Sendable {
    package static let shared = PluginRuntime()

    enum Reply: Sendable {
        case value(Data)
        case refused(Int32)
    }

    private struct State {
        var host: HostTable?
        var steps: [String: Step] = [:]
        /// Lent to the host for the life of the process.
        var description: UnsafeBufferPointer<UInt8>?
        var tasks: [step_call_id: Task<Void, Never>] = [:]
        var requests: [UInt64: CheckedContinuation<Reply, any Error>] = [:]
        var lastToken: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Takes the plugin over, unless there is one already.
    func install(_ plugin: Plugin) {
        let text = Array(plugin.description.utf8)
        state.withLock { state in
            guard state.description == nil else { return }
            // SAFETY: never freed nor written again; describe promises static lifetime.
            let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.count)
            _ = memory.initialize(from: text)
            state.description = UnsafeBufferPointer(memory)
            for step in plugin.steps where state.steps[step.name] == nil { state.steps[step.name] = step }
        }
    }

    /// Adds one step under a name of its own; what StepKitTesting runs steps by.
    package func register(_ step: Step, as name: String) {
        state.withLock { $0.steps[name] = step }
    }

    package func unregister(_ name: String) {
        state.withLock { _ = $0.steps.removeValue(forKey: name) }
    }

    /// 0 when the host's table is usable.
    func open(_ host: HostTable?) -> Int32 {
        guard let host else { return 1 }
        state.withLock { $0.host = host }
        return 0
    }

    func describe() -> step_bytes {
        state.withLock { state in
            step_bytes(ptr: state.description?.baseAddress, len: UInt64(state.description?.count ?? 0))
        }
    }

    /// Starts a task for the call and returns; everything borrowed is copied before.
    func invoke(_ call: step_call) -> Int32 {
        let id = call.id
        let name = call.function.string
        return state.withLock { state in
            guard let host = state.host else { return InvokeRefusal.notReady }
            guard let step = state.steps[name] else { return InvokeRefusal.unknownFunction }
            let context = StepContext(call, host: host)
            let input = call.input.data
            // The lock is held until the task is noted, so that its end finds the entry.
            state.tasks[id] = Task { await self.run(step, input, context, id, host) }
            return 0
        }
    }

    private func run(
        _ step: Step, _ input: Data, _ context: StepContext, _ id: step_call_id, _ host: HostTable
    ) async {
        let outcome: StepOutcome
        do {
            outcome = .output(try await step.body(input, context))
        } catch {
            outcome = StepOutcome(error, isCancelled: Task.isCancelled)
        }
        state.withLock { _ = $0.tasks.removeValue(forKey: id) }
        host.complete(id, status: outcome.status, payload: outcome.payload)
    }

    func cancel(_ call: step_call_id) {
        state.withLock { $0.tasks[call] }?.cancel()
    }

    func reply(_ token: UInt64, status: Int32, value: step_bytes) {
        guard let waiting = state.withLock({ $0.requests.removeValue(forKey: token) }) else { return }
        waiting.resume(returning: status == Int32(STEP_REPLY_OK) ? .value(value.data) : .refused(status))
    }

    /// Asks the host and waits for its answer, or for the task's cancellation.
    func request(_ call: step_call_id, kind: UInt32, key: String, host: HostTable) async throws -> Reply {
        let token = state.withLock { state in
            state.lastToken += 1
            return state.lastToken
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                state.withLock { $0.requests[token] = continuation }
                // Cancelled before the continuation was noted: the handler below found nothing.
                if Task.isCancelled { return abandon(token) }
                let status = host.request(call, kind: kind, key: key, token: token)
                guard status != 0 else { return }
                state.withLock { $0.requests.removeValue(forKey: token) }?.resume(returning: .refused(status))
            }
        } onCancel: {
            abandon(token)
        }
    }

    private func abandon(_ token: UInt64) {
        state.withLock { $0.requests.removeValue(forKey: token) }?.resume(throwing: CancellationError())
    }
}
