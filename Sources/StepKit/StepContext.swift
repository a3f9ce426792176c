public import FoundationEssentials
internal import StepABI

/// What a step may ask of, and tell, its host during one call. Valid in any task of the call; after the step has
/// returned everything is ignored. Cancellation is ordinary `Task.isCancelled`.
public final class StepContext: Sendable {
    public enum LogLevel: Int32, Sendable { case debug, info, warning, error }

    /// From 1.
    public let attempt: Int
    public let workflow: String
    public let executionID: String
    public let stepName: String
    /// The same for every attempt of one step: steps run at least once, so hand it to whatever has effects outside.
    public let idempotencyKey: String
    /// When the attempt's time is over; the task is cancelled then.
    public let deadline: Date?

    private let call: step_call_id
    private let host: HostTable
    private let checkpointBytes: Data

    init(_ call: step_call, host: HostTable) {
        self.call = call.id
        self.host = host
        attempt = Int(call.attempt)
        workflow = call.workflow.string
        executionID = call.execution_id.string
        stepName = call.step_name.string
        idempotencyKey = call.idempotency_key.string
        deadline =
            call.deadline_unix_ns == 0
            ? nil : Date(timeIntervalSince1970: Double(call.deadline_unix_ns) / 1_000_000_000)
        checkpointBytes = call.checkpoint.data
    }

    /// Writes a line to the step's log. Fields are shown beside the message.
    public func log(_ message: String, level: LogLevel = .info, fields: [String: StepValue] = [:]) {
        let fields = fields.isEmpty ? "" : StepValue.object(StepObject(fields)).json
        host.log(call, level: level.rawValue, message: message, fields: fields)
    }

    /// Says that the step is alive, and keeps `details` for ``checkpoint(as:)`` of the next attempt. At most one each
    /// 100 ms is sent, the latest.
    public func heartbeat(_ details: some Encodable) {
        do {
            host.heartbeat(call, try StepJSON.encode(details))
        } catch {
            log("heartbeat details could not be encoded: \(StepJSON.explain(error))", level: .warning)
        }
    }

    /// Says that the step is alive. The details of an earlier heartbeat are replaced by none.
    public func heartbeat() {
        host.heartbeat(call, Data())
    }

    /// The details of the previous attempt's last heartbeat; nil when there are none or they have another shape.
    public func checkpoint<T: Decodable>(as type: T.Type = T.self) -> T? {
        checkpointBytes.isEmpty ? nil : try? StepJSON.decode(type, from: checkpointBytes)
    }

    /// How far the step is, from 0 to 1. At most one each 50 ms is sent, the latest.
    public func progress(_ fraction: Double, _ note: String = "") {
        host.progress(call, fraction, note: note)
    }

    /// The risk of this step's result, 0 to 100. The highest of a call counts; anything else than a number in this
    /// range fails the step.
    public func risk(_ score: Double) {
        host.risk(call, score)
    }

    /// A secret of the plugin, as the settings grant it. The host masks it in what the step says, not in its output.
    ///
    /// - Throws: ``StepFailure`` with code `secret_not_found` or `secret_refused`, final; `CancellationError`.
    public func secret(_ name: String) async throws -> String {
        let reply = try await PluginRuntime.shared.request(
            call, kind: UInt32(STEP_REQUEST_SECRET_GET), key: name, host: host)
        switch reply {
        case .value(let value): return String(decoding: value, as: UTF8.self)
        case .refused(let status) where status == Int32(STEP_REPLY_NOT_FOUND):
            throw StepFailure(.final, code: "secret_not_found", message: "there is no secret named \(name)")
        case .refused:
            throw StepFailure(.final, code: "secret_refused", message: "the secret \(name) is not granted")
        }
    }
}
