import WorkflowModel

/// What one execution may use at most; each is passed with an error code, never silently.
package struct EngineLimits: Sendable {
    /// Inputs plus outputs of one execution, in bytes of JSON.
    package var contextBytesMax: Int
    /// An error message or reason in an event; longer ones are cut with a mark.
    package var messageBytesMax: Int
    /// Attempts in a row that ended without a verdict of their own (`interrupted`, `host_lost`) before the step fails.
    package var interruptionsMax: Int
    /// What an approver fills in, in bytes of JSON.
    package var formBytesMax: Int
    /// Reminders of one approval, an escalation counted with them; after that nobody is reminded any more.
    package var noticesMax: Int
    /// The longest wait a step may ask for before its next attempt.
    package var retryAfterMax: Duration

    package init(
        contextBytesMax: Int = 16 << 20, messageBytesMax: Int = 8 << 10, interruptionsMax: Int = 10,
        formBytesMax: Int = 64 << 10, noticesMax: Int = 1_000, retryAfterMax: Duration = .seconds(86_400)
    ) {
        self.contextBytesMax = contextBytesMax
        self.messageBytesMax = messageBytesMax
        self.interruptionsMax = interruptionsMax
        self.formBytesMax = formBytesMax
        self.noticesMax = noticesMax
        self.retryAfterMax = retryAfterMax
    }

    static let cutMark = " … (cut)"

    /// The message, cut at a character boundary if it exceeds the limit.
    package func cut(_ message: String) -> String {
        guard message.utf8.count > messageBytesMax else { return message }
        var kept = String.UnicodeScalarView()
        var byteCount = Self.cutMark.utf8.count
        for scalar in message.unicodeScalars {
            byteCount += UTF8.width(scalar)
            if byteCount > messageBytesMax { break }
            kept.append(scalar)
        }
        return String(kept) + Self.cutMark
    }
}
