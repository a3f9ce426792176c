import WorkflowModel

/// What one execution may use at most; each is passed with an error code, never silently.
package struct EngineLimits: Sendable {
    /// Inputs plus outputs of one execution, in bytes of JSON.
    package var contextBytesMax: Int
    /// An error message or reason in an event; longer ones are cut with a mark.
    package var messageBytesMax: Int
    /// Attempts in a row that a host had when the server died (`interrupted`) before the step fails: such a step may be
    /// what kills the server. No other fault of the machine ends a step.
    package var interruptionsMax: Int
    /// Pause after the third interruption in a row; it doubles with each further one.
    package var interruptionPause: Duration
    /// Pause after the first `host_lost`; it doubles with each further one in a row.
    package var hostLostPause: Duration
    /// No pause after an interruption or a lost host is longer.
    package var pauseMax: Duration
    /// What an approver fills in, in bytes of JSON.
    package var formBytesMax: Int
    /// Nesting of what an approver fills in; a gate's output wraps it in three levels.
    package var formDepthMax: Int
    /// Reminders of one approval, an escalation counted with them; after that nobody is reminded any more.
    package var noticesMax: Int
    /// The longest wait a step may ask for before its next attempt.
    package var retryAfterMax: Duration

    package init(
        contextBytesMax: Int = 16 << 20, messageBytesMax: Int = 8 << 10, interruptionsMax: Int = 10,
        interruptionPause: Duration = .seconds(1), hostLostPause: Duration = .milliseconds(100),
        pauseMax: Duration = .seconds(60), formBytesMax: Int = 64 << 10,
        formDepthMax: Int = JSONLimits.valueDepthMax - 3, noticesMax: Int = 1_000,
        retryAfterMax: Duration = .seconds(86_400)
    ) {
        self.contextBytesMax = contextBytesMax
        self.messageBytesMax = messageBytesMax
        self.interruptionsMax = interruptionsMax
        self.interruptionPause = interruptionPause
        self.hostLostPause = hostLostPause
        self.pauseMax = pauseMax
        self.formBytesMax = formBytesMax
        self.formDepthMax = formDepthMax
        self.noticesMax = noticesMax
        self.retryAfterMax = retryAfterMax
    }

    /// Interruptions in a row without a pause: a single death of the server delays nobody.
    private static let interruptionsWithoutPause = 2

    /// The pause after the `count`th interruption in a row, from 1.
    func pause(afterInterruption count: Int) -> Duration {
        let delayed = count - Self.interruptionsWithoutPause
        return delayed > 0 ? doubled(interruptionPause, times: delayed - 1) : .zero
    }

    /// The pause after the `count`th lost host in a row, from 1.
    func pause(afterHostLost count: Int) -> Duration { doubled(hostLostPause, times: count - 1) }

    private func doubled(_ pause: Duration, times: Int) -> Duration {
        // 2^32 times a millisecond is above any ceiling.
        min(pause * (1 << min(times, 32)), pauseMax)
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
