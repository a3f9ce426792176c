import WorkflowModel
import WorkflowEngine

/// What a step says of its failure: `{"code":…,"message":…,"retry_after_ms":…}` or plain text.
struct StepFailurePayload {
    private static let codeBytesMax = 64
    /// A longer wait than a day is taken for a mistake and held to it.
    private static let retryAfterMillisecondsMax: Int64 = 86_400_000

    /// Codes by which the engine knows a fault of the machine, which costs no attempt: no step may claim one.
    private static let reservedCodes: Set = [StepErrorCode.interrupted, StepErrorCode.hostLost]

    var code = StepErrorCode.failed
    var message: String
    var retryAfter: Duration?

    init(_ payload: [UInt8], bytesMax: Int) {
        guard let value = try? JSONValue(parsing: payload, limits: JSONLimits(bytesMax: 64 << 10)),
            let members = value.objectValue
        else {
            message = Self.cut(String(decoding: payload.prefix(bytesMax + 4), as: UTF8.self), bytesMax)
            if message.isEmpty { message = "the step failed and gave no reason" }
            return
        }
        if let given = members["code"]?.stringValue, Self.isCode(given), !Self.reservedCodes.contains(given) {
            code = given
        }
        message = Self.cut(members["message"]?.stringValue ?? "the step failed and gave no reason", bytesMax)
        if let wait = members["retry_after_ms"]?.intValue, wait >= 0 {
            retryAfter = .milliseconds(min(wait, Self.retryAfterMillisecondsMax))
        }
    }

    func error(isRetryable: Bool, diagnostics: String?) -> StepError {
        StepError(
            code: code, message: message, isRetryable: isRetryable, retryAfter: retryAfter, diagnostics: diagnostics)
    }

    /// Codes go into events and metrics labels: printable ASCII without blanks.
    private static func isCode(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= codeBytesMax && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private static func cut(_ text: String, _ bytesMax: Int) -> String {
        guard text.utf8.count > bytesMax else { return text }
        return String(decoding: text.utf8.prefix(bytesMax), as: UTF8.self) + "…"
    }
}
