/// An error that says whether trying again can help.
///
/// ```swift
/// throw StepFailure(.final, code: "unknown_sku", message: "no product has the SKU \(sku)")
/// throw StepFailure(.retry(after: .seconds(30)), code: "rate_limited", message: "the price service is busy")
/// ```
/// Code and message become part of the execution's public events: keep secrets out of them.
public struct StepFailure: Error, Sendable, Equatable {
    public enum Disposition: Sendable, Equatable {
        /// The same input may succeed later. `after` is a least waiting time; nil leaves it to the workflow's policy.
        case retry(after: Duration? = nil)
        /// The same input fails again.
        case final
    }

    public let disposition: Disposition
    /// Stable and machine-readable, in snake case.
    public let code: String
    /// For people.
    public let message: String

    public init(_ disposition: Disposition, code: String, message: String) {
        self.disposition = disposition
        self.code = code
        self.message = message
    }
}

extension StepFailure: CustomStringConvertible {
    public var description: String { "\(code): \(message)" }
}
