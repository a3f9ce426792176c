/// Sends messages to a Slack incoming webhook, whose URL is the secret.
struct SlackSender: MessageSender {
    let receiver: HTTPReceiver

    func send(_ message: OutgoingMessage) async -> DeliveryOutcome {
        let text: ApprovalMessage
        do throws(NotifierError) { text = try ApprovalMessage(encoded: message.body) } catch {
            return .refused("\(error)")
        }
        switch await receiver.post(SlackText.body(text), headers: [], now: message.now) {
        case .success(let answer): return Self.outcome(answer)
        case .failure(let failure): return failure.outcome
        }
    }

    func close() async { await receiver.close() }

    /// Slack answers `ok`, or a word for what is wrong; with these statuses it is the message, the hook or the channel.
    static func outcome(_ answer: HTTPReceiver.Answer) -> DeliveryOutcome {
        let word = String(decoding: answer.body.prefix(80), as: UTF8.self).filter { $0.isLetter || $0 == "_" }
        let reason = "Slack answered \(answer.status) \(word)"
        switch answer.status {
        case 200...299: return .delivered
        case 400, 403, 404, 410: return .refused(reason)
        default: return .failed(reason, retryAfter: answer.pause)
        }
    }
}
