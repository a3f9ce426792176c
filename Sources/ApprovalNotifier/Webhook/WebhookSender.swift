import WorkflowModel

/// Sends messages to a generic webhook by Standard Webhooks 1.0.
struct WebhookSender: MessageSender {
    let receiver: HTTPReceiver
    let signature: WebhookSignature

    func send(_ message: OutgoingMessage) async -> DeliveryOutcome {
        // Of the attempt, not of the message: receivers refuse old ones, to keep repetitions out.
        let seconds = message.now.microseconds / 1_000_000
        let headers = [
            ("webhook-id", message.id), ("webhook-timestamp", "\(seconds)"),
            ("webhook-signature", signature.header(id: message.id, timestamp: seconds, body: message.body)),
        ]
        switch await receiver.post(message.body, headers: headers, now: message.now) {
        case .success(let answer): return Self.outcome(answer)
        case .failure(let failure): return failure.outcome
        }
    }

    func close() async { await receiver.close() }

    /// 2xx is an acknowledgement, 410 the end; all else is a failure that may pass.
    static func outcome(_ answer: HTTPReceiver.Answer) -> DeliveryOutcome {
        switch answer.status {
        case 200...299: .delivered
        case 410: .gone("the receiver answered 410")
        default: .failed("the receiver answered \(answer.status)", retryAfter: answer.pause)
        }
    }
}
