public import FoundationEssentials
public import StepKit

/// What one call told its host. Nothing is coalesced here.
public struct StepRecord: Sendable {
    public struct Log: Sendable, Equatable {
        public let level: StepContext.LogLevel
        public let message: String
        /// A JSON object, or empty.
        public let fields: String

        public init(level: StepContext.LogLevel, message: String, fields: String = "") {
            self.level = level
            self.message = message
            self.fields = fields
        }
    }

    public struct Progress: Sendable, Equatable {
        public let fraction: Double
        public let note: String

        public init(fraction: Double, note: String = "") {
            self.fraction = fraction
            self.note = note
        }
    }

    /// A `STEP_STATUS_` value; nil when the plugin refused the call.
    public internal(set) var status: Int32?
    /// The output of a call that succeeded, the failure's JSON of one that failed.
    public internal(set) var payload = Data()
    public internal(set) var logs: [Log] = []
    public internal(set) var progress: [Progress] = []
    /// The details of each heartbeat, as JSON; empty for a heartbeat without.
    public internal(set) var heartbeats: [Data] = []
    /// Every score, in the order of reporting; the highest counts.
    public internal(set) var risks: [Double] = []

    /// The output as JSON bytes.
    ///
    /// - Throws: ``StepFailure`` when the step failed or was refused, `CancellationError` when it was cancelled.
    public var output: Data {
        get throws {
            if status == Int32(STEP_STATUS_OK) { return payload }
            if status == Int32(STEP_STATUS_CANCELLED) { throw CancellationError() }
            throw failure ?? StepFailure(.final, code: "refused", message: "the plugin refused the call")
        }
    }

    /// How the step failed; nil when it did not.
    public var failure: StepFailure? {
        guard status == Int32(STEP_STATUS_FAILED) || status == Int32(STEP_STATUS_FAILED_FINAL),
            let value = try? StepValue(json: payload)
        else { return nil }
        let after = value["retry_after_ms"]?.integerValue.map { Duration.milliseconds($0) }
        return StepFailure(
            status == Int32(STEP_STATUS_FAILED_FINAL) ? .final : .retry(after: after),
            code: value["code"]?.stringValue ?? "", message: value["message"]?.stringValue ?? "")
    }
}
