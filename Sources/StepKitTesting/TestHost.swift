internal import FoundationEssentials
internal import StepABI
internal import StepKit
internal import Synchronization

/// A host in the test's own process: hands the plugin a real `step_host` table and notes what comes back.
final class TestHost: Sendable {
    static let shared = TestHost()

    private struct Call {
        var record = StepRecord()
        let secrets: [String: String]
        let ended: CheckedContinuation<StepRecord, Never>
    }

    private struct State {
        var calls: [step_call_id: Call] = [:]
        var lastID: step_call_id = 0
    }

    private let state = Mutex(State())
    // SAFETY: the table of the one plugin of this process; never changed or freed.
    nonisolated(unsafe) private let plugin: UnsafePointer<step_plugin>

    private init() {
        plugin = Plugin.export(Plugin(name: "testing", version: "1.0.0", steps: []))
        _ = plugin.pointee.open(HostFunctions.table, step_bytes(ptr: nil, len: 0))
    }

    func run(_ step: Step, input: Data, environment: StepTesting.Environment) async -> StepRecord {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        // Tests run side by side, and two of their steps may have one name.
        let function = "\(step.name)#\(id)"
        PluginRuntime.shared.register(step, as: function)
        defer { PluginRuntime.shared.unregister(function) }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { $0.calls[id] = Call(secrets: environment.secrets, ended: continuation) }
                if invoke(id, function, stepName: step.name, input, environment) != 0 {
                    end(id, status: nil, payload: Data())
                }
                // A cancellation before the call began found nothing to cancel.
                if Task.isCancelled { plugin.pointee.cancel(id, UInt32(STEP_CANCEL_REQUESTED)) }
            }
        } onCancel: {
            plugin.pointee.cancel(id, UInt32(STEP_CANCEL_REQUESTED))
        }
    }

    private func invoke(
        _ id: step_call_id, _ function: String, stepName: String, _ input: Data, _ environment: StepTesting.Environment
    ) -> Int32 {
        var call = step_call()
        call.size = UInt32(MemoryLayout<step_call>.size)
        call.attempt = UInt32(clamping: environment.attempt)
        call.id = id
        call.deadline_unix_ns = environment.deadline.map { Int64($0.timeIntervalSince1970 * 1_000_000_000) } ?? 0
        return function.withStepBytes { function in
            stepName.withStepBytes { stepName in
                environment.idempotencyKey.withStepBytes { key in
                    environment.checkpoint.withStepBytes { checkpoint in
                        input.withStepBytes { input in
                            call.function = function
                            call.step_name = stepName
                            call.idempotency_key = key
                            call.checkpoint = checkpoint
                            call.input = input
                            return plugin.pointee.invoke(&call)
                        }
                    }
                }
            }
        }
    }

    /// Ends a call; a second completion finds none.
    func end(_ id: step_call_id, status: Int32?, payload: Data) {
        guard var call = state.withLock({ $0.calls.removeValue(forKey: id) }) else { return }
        call.record.status = status
        call.record.payload = payload
        call.ended.resume(returning: call.record)
    }

    func note(_ id: step_call_id, _ change: (inout StepRecord) -> Void) {
        state.withLock { state in
            guard var call = state.calls[id] else { return }
            change(&call.record)
            state.calls[id] = call
        }
    }

    /// Answers at once, from inside the request, as a host may.
    func request(_ id: step_call_id, kind: UInt32, key: String, token: UInt64) -> Int32 {
        guard kind == UInt32(STEP_REQUEST_SECRET_GET) else { return Int32(STEP_REPLY_UNKNOWN_KIND) }
        guard let secrets = state.withLock({ $0.calls[id]?.secrets }) else { return Int32(STEP_REPLY_REFUSED) }
        if let secret = secrets[key] {
            secret.withStepBytes { plugin.pointee.reply(token, Int32(STEP_REPLY_OK), $0) }
        } else {
            plugin.pointee.reply(token, Int32(STEP_REPLY_NOT_FOUND), step_bytes(ptr: nil, len: 0))
        }
        return 0
    }
}
