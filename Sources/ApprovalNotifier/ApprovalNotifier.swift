package import EventBus
package import Logging
import ServiceLifecycle
import Synchronization
package import WebServing
package import WorkflowModel

/// The consumer that tells approvers by webhook, Slack and mail that somebody has to decide, and when nobody has to.
///
/// At least once: position and deliveries change in one transaction of its own store, and a message has the same ID over
/// every attempt. It has no timers but those of its retries; reminders and escalations are events.
package final class ApprovalNotifier: RouteProvider {
    /// How long attempts that are under way may go on after a stop.
    private static let drainLimit = Duration.seconds(2)

    let configuration: NotifierConfiguration
    private let parts: NotifierSession.Parts?
    private let logger: Logger
    private let current = Mutex<NotifierSession?>(nil)

    /// Without channels it is idle: it opens and follows nothing.
    ///
    /// - Parameters:
    ///   - store: the notifier's own; nil without channels.
    ///   - now: the wall clock; when a delivery is due is kept as a time of day.
    package init(
        configuration: NotifierConfiguration, subscriber: any EventSubscriber, store: (any ConsumerStore)?,
        deadLetters: DeadLetterPublisher, logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) {
        self.configuration = configuration
        self.logger = logger
        parts = store.map { store in
            NotifierSession.Parts(
                configuration: configuration, senders: Self.senders(configuration), subscriber: subscriber,
                store: store,
                deadLetters: deadLetters, logger: logger, now: now)
        }
    }

    /// For tests: other ways to the receivers.
    init(parts: NotifierSession.Parts) {
        configuration = parts.configuration
        logger = parts.logger
        self.parts = parts
    }

    private static func senders(_ configuration: NotifierConfiguration) -> [String: any MessageSender] {
        func receiver(_ url: ReceiverURL, _ channel: NotifierConfiguration.Channel) -> HTTPReceiver {
            HTTPReceiver(
                url: url, outgoing: channel.outgoing, concurrencyMax: configuration.channelConcurrencyMax)
        }
        let pairs = configuration.channels.map { channel -> (String, any MessageSender) in
            switch channel.kind {
            case .webhook(let url, let signature):
                (channel.name, WebhookSender(receiver: receiver(url, channel), signature: signature))
            case .slack(let url): (channel.name, SlackSender(receiver: receiver(url, channel)))
            case .email(let mail): (channel.name, MailSender(mail: mail, outgoing: channel.outgoing))
            }
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    /// The running session.
    /// - Throws: 503 while there is none: the bus or the store is away.
    func session() throws(Problem) -> NotifierSession {
        guard let session = current.withLock({ $0 }) else {
            throw Problem(
                503, "notifier_unavailable", "the notifier has no channels, or its store or the bus is away",
                headers: [WebHeader("retry-after", "1")])
        }
        return session
    }

    package func addRoutes(to router: inout WebRouter) {
        NotifierRoutes(notifier: self).addRoutes(to: &router)
    }

    // MARK: health

    /// Degraded while a channel is disabled or its receiver fails, or the topic cannot be followed; always ready.
    package var health: HealthCheck {
        { [self] in
            guard parts != nil else {
                return PartHealth(isHealthy: true, detail: "no channels", values: JSONObject([("channels", 0)]))
            }
            guard let session = current.withLock({ $0 }) else {
                return PartHealth(isHealthy: false, detail: "the notifier's store or the bus is away")
            }
            return session.health
        }
    }
}

extension NotifierSession {
    var health: PartHealth {
        let state = state.withLock { $0 }
        var faults = state.isSubscribed ? [] : ["the event topic cannot be followed"]
        for (name, standing) in state.channels.sorted(by: { $0.key < $1.key }) {
            if let reason = standing.disabledReason {
                faults.append("\(name) is disabled: \(reason)")
            } else if let failure =
                standing.failure
            {
                faults.append("\(name) fails: \(failure)")
            }
        }
        return PartHealth(
            isHealthy: faults.isEmpty, detail: faults.isEmpty ? nil : faults.joined(separator: "; "),
            values: JSONObject([
                ("channels", .int(Int64(state.channels.count))), ("pending", .int(Int64(state.outbox.count))),
                ("dead_letters", .int(Int64(state.dead.count))),
            ]))
    }
}

extension ApprovalNotifier: Service {
    package func run() async throws {
        guard let parts else { return try await gracefulShutdown() }
        await withTaskGroup { group in
            group.addTask { await self.runSessions(parts) }
            group.addTask {
                try? await gracefulShutdown()
                await self.current.withLock { $0 }?.drain(within: Self.drainLimit)
            }
            await group.next()
            group.cancelAll()
        }
        for sender in parts.senders.values { await sender.close() }
    }

    /// One session after the other, whatever store and bus do.
    private func runSessions(_ parts: NotifierSession.Parts) async {
        var failureCount = 0
        while !Task.isCancelled {
            let start = ContinuousClock.now
            let session = NotifierSession(parts)
            current.withLock { $0 = session }
            do { try await session.run() } catch {
                current.withLock { $0 = nil }
                guard !Task.isCancelled else { return }
                logger.warning("The notifier begins anew", metadata: ["error": "\(error)"])
                parts.metrics.restarted()
            }
            if ContinuousClock.now - start > .seconds(10) { failureCount = 0 }
            failureCount += 1
            try? await Task.sleep(for: .milliseconds(min(5000, 50 << min(failureCount, 7))))
        }
    }
}
