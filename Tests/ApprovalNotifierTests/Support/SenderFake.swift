import Synchronization

@testable import ApprovalNotifier

/// A receiver that remembers what reached it, and answers as a test says.
final class SenderFake: MessageSender {
    struct Received: Hashable, Sendable {
        var id: String
        var body: [UInt8]
        var recipients: [String]?
    }

    let received = Mutex<[Received]>([])
    private let answer: @Sendable (OutgoingMessage) -> DeliveryOutcome

    init(_ answer: @escaping @Sendable (OutgoingMessage) -> DeliveryOutcome = { _ in .delivered }) {
        self.answer = answer
    }

    func send(_ message: OutgoingMessage) async -> DeliveryOutcome {
        received.withLock { $0.append(Received(id: message.id, body: message.body, recipients: message.recipients)) }
        return answer(message)
    }

    func close() async {}
    var ids: [String] { received.withLock { $0.map(\.id) } }
}

/// Waits until the condition holds; what it waits for has no signal of its own.
func eventually(_ what: String, seconds: Int = 120, _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while try await !condition() {
        guard ContinuousClock.now < end else { throw NeverCame(what: what) }
        try await Task.sleep(for: .milliseconds(1))
    }
}

struct NeverCame: Error, CustomStringConvertible {
    var what: String
    var description: String { "never: \(what)" }
}
