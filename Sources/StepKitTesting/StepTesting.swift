public import FoundationEssentials
public import StepKit

/// Runs steps inside a test through the same C table that a step host calls.
///
/// ```swift
/// let receipt: Receipt = try await StepTesting.run(price, input: Order(…))
/// let record = await StepTesting.record(price, json: #"{"customer":1}"#)
/// #expect(record.failure?.code == "invalid_input")
/// ```
/// Cancelling the test's task cancels the call, as the host would.
public enum StepTesting {
    /// What the host would know about the call.
    public struct Environment: Sendable {
        public var attempt = 1
        public var deadline: Date?
        /// The details of the previous attempt's last heartbeat, as JSON; empty for none.
        public var checkpoint = Data()
        public var idempotencyKey = "test:step"
        /// The secrets that are granted, by name.
        public var secrets: [String: String] = [:]

        public init() {}
    }

    /// The step's output for an input.
    ///
    /// - Throws: ``StepFailure`` as the step ended with it, `CancellationError` when it was cancelled.
    public static func run<Output: Decodable>(
        _ step: Step, input: some Encodable, as output: Output.Type = Output.self, in environment: Environment = .init()
    ) async throws -> Output {
        let record = await record(step, json: try StepJSON.encode(input), in: environment)
        return try StepJSON.decode(output, from: try record.output)
    }

    /// Everything a call told its host, for an input as JSON text.
    public static func record(
        _ step: Step, json: String, in environment: Environment = .init()
    ) async -> StepRecord {
        await record(step, json: Data(json.utf8), in: environment)
    }

    /// Everything a call told its host, for an input as JSON bytes.
    public static func record(
        _ step: Step, json: Data, in environment: Environment = .init()
    ) async -> StepRecord {
        await TestHost.shared.run(step, input: json, environment: environment)
    }
}
