import EventBus
import Logging
import Synchronization
import WebServing
import WorkflowModel

/// The notifier from one reading of its store to the next: memory is what the store says and what came since.
///
/// Whatever fails in the store or on the bus ends it, and a new one begins from what is durable. Then everything owed is
/// held back until the topic has been read to its present end: a decision may stand there.
final class NotifierSession: Sendable {
    /// What a session works with, the same for all of a process.
    struct Parts: Sendable {
        var configuration: NotifierConfiguration
        var senders: [String: any MessageSender]
        var subscriber: any EventSubscriber
        var store: any ConsumerStore
        var deadLetters: DeadLetterPublisher
        var logger: Logger
        var now: @Sendable () -> Timestamp
        var metrics = NotifierMetrics()
    }

    /// How a channel is doing.
    struct ChannelStanding: Sendable {
        var disabledReason: String?
        /// Of the last attempt, when it failed.
        var failure: String?
    }

    struct State: Sendable {
        var outbox: Outbox
        var gate = CatchUpGate()
        var channels: [String: ChannelStanding]
        /// When each dead letter was given up.
        var dead: [String: Timestamp] = [:]
        /// Dead letters that the topic has not acknowledged.
        var unpublished: [String] = []
        /// Those that are on their way there.
        var publishing: Set<String> = []
        var isSubscribed = false
        /// No attempt begins any more.
        var isStopping = false
        var inFlight = 0
        /// When the dispatcher is woken, if nothing else does it before.
        var alarm: Timestamp?
    }

    let parts: Parts
    let ledger: Ledger
    let state: Mutex<State>
    let dispatches: AsyncStream<Void>
    private let dispatch: AsyncStream<Void>.Continuation
    let burials: AsyncStream<Void>
    private let bury: AsyncStream<Void>.Continuation

    init(_ parts: Parts) {
        self.parts = parts
        ledger = Ledger(store: parts.store)
        let names = parts.configuration.channels.map(\.name)
        for name in names { parts.metrics.begin(name) }
        state = Mutex(
            State(
                outbox: Outbox(channels: names, laneConcurrencyMax: parts.configuration.channelConcurrencyMax),
                channels: Dictionary(uniqueKeysWithValues: names.map { ($0, ChannelStanding()) })))
        (dispatches, dispatch) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        (burials, bury) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    var store: any ConsumerStore { parts.store }
    var now: Timestamp { parts.now() }

    /// Ends when the task is cancelled. - Throws: what the store or the bus failed with.
    func run() async throws {
        try await load()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.read() }
            group.addTask { try await self.send() }
            group.addTask { try await self.publishDead() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    func wake() { dispatch.yield() }
    func endDispatching() { dispatch.finish() }
    func wakeBurials() { bury.yield() }

    /// Stops beginning attempts and gives those under way some time.
    func drain(within limit: Duration) async {
        state.withLock { $0.isStopping = true }
        let end = ContinuousClock.now + limit
        while state.withLock({ $0.inFlight }) > 0, ContinuousClock.now < end, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    func measure() {
        let (count, disabled) = state.withLock { state in
            (state.outbox.count, state.channels.values.count { $0.disabledReason != nil })
        }
        parts.metrics.stand(pending: count, disabled: disabled)
    }

    // MARK: the store

    private func load() async throws {
        var changes = try await loadChannels()
        for entry in try await store.all(StoreKeys.dead) {
            let letter = try DeadLetter(encoded: entry.value)
            state.withLock { state in
                state.dead[letter.pending.id] = letter.diedAt
                if !letter.isPublished { state.unpublished.append(letter.pending.id) }
            }
        }
        var dead: [String] = []
        for entry in try await store.all(StoreKeys.pending) {
            let pending = try PendingDelivery(json: try JSONValue(stored: entry.value))
            // The mark of an attempt may have been written behind its approval's end.
            if case .asked = pending.delivery.stage, try await !isPending(pending.delivery.approvalID) {
                changes += Self.removal(of: pending.id)
            } else if let reason = state.withLock({ Self.undeliverable(pending.channel, $0) }) {
                changes += burial(DeadLetter(pending, reason: reason, diedAt: now))
                dead.append(pending.id)
            } else {
                state.withLock { state in
                    state.outbox.add(pending)
                    state.gate.hold([pending.id])
                }
            }
        }
        for key in try await store.all(StoreKeys.told).map(\.key) {
            let approval = key.dropFirst(StoreKeys.told.count).prefix { $0 != "/" }
            if try await !isPending(String(approval)) { changes.append(ConsumerChange(key: key, value: nil)) }
        }
        if !changes.isEmpty { try await ledger.commit(changes) }
        buried(dead)
        measure()
    }

    /// A channel stays disabled until somebody enables it or its address is another one.
    private func loadChannels() async throws -> [ConsumerChange] {
        var changes: [ConsumerChange] = []
        for entry in try await store.all(StoreKeys.channels) {
            let name = String(entry.key.dropFirst(StoreKeys.channels.count))
            let value = try JSONValue(stored: entry.value)
            let channel = parts.configuration.channels.first { $0.name == name }
            if let channel, value["address"]?.stringValue == channel.addressDigest {
                state.withLock { $0.channels[name]?.disabledReason = value["reason"]?.stringValue ?? "disabled" }
            } else {
                changes.append(ConsumerChange(key: entry.key, value: nil))
            }
        }
        return changes
    }

    private func isPending(_ approval: String) async throws -> Bool {
        try await store.value(for: StoreKeys.approval(approval)) != nil
    }

    /// Why nothing can be sent to the channel, if so.
    static func undeliverable(_ channel: String, _ state: State) -> String? {
        guard let standing = state.channels[channel] else { return "the settings have no channel \(channel) any more" }
        return standing.disabledReason.map { "the channel is disabled: \($0)" }
    }

    static func removal(of id: String) -> [ConsumerChange] {
        [
            ConsumerChange(key: StoreKeys.pending(id), value: nil),
            ConsumerChange(key: StoreKeys.message(id), value: nil),
        ]
    }

    static func saved(_ pending: PendingDelivery) -> ConsumerChange {
        ConsumerChange(key: StoreKeys.pending(pending.id), value: JSONValue.object(pending.json).encoded)
    }
}

extension NotifierConfiguration.Channel {
    /// The address without showing it: it may be a secret.
    var addressDigest: String { Base64URL.encode(ContentDigest.sha256(Array(address.utf8))) }
}
