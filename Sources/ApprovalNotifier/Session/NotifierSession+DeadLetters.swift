import EventBus
import Logging
import Synchronization
import WorkflowModel

/// What was given up: kept for `resend`, and published.
extension NotifierSession {
    private static let publishMax = 100
    private static let publishPause = Duration.seconds(1)

    /// Gives deliveries up, which the outbox has let go of; durable with what else changes.
    func bury(_ owed: [PendingDelivery], reason: String, with others: [ConsumerChange] = []) async throws {
        let now = now
        var changes = others
        for pending in owed { changes += burial(DeadLetter(pending, reason: reason, diedAt: now)) }
        try await ledger.commit(changes)
        state.withLock { state in
            for pending in owed { state.outbox.forget(pending.id) }
        }
        buried(owed.map(\.id))
    }

    /// Their burial is durable: they are published.
    func buried(_ ids: [String]) {
        guard !ids.isEmpty else { return }
        state.withLock { $0.unpublished += ids }
        wakeBurials()
    }

    /// The changes by which a delivery becomes a dead letter; the message stays where it is. `buried` follows the commit.
    func burial(_ letter: DeadLetter) -> [ConsumerChange] {
        let id = letter.pending.id
        let oldest = state.withLock { state -> String? in
            state.dead[id] = letter.diedAt
            guard state.dead.count > parts.configuration.deadCountMax,
                let oldest = state.dead.min(by: { $0.value < $1.value })?.key
            else { return nil }
            state.dead[oldest] = nil
            state.unpublished.removeAll { $0 == oldest }
            return oldest
        }
        parts.metrics.died(letter.pending.channel)
        parts.logger.error(
            "A message is given up",
            metadata: [
                "approval_id": "\(letter.pending.delivery.approvalID)", "channel": "\(letter.pending.channel)",
                "reason": "\(letter.reason)",
            ])
        var changes = [
            ConsumerChange(key: StoreKeys.pending(id), value: nil),
            ConsumerChange(key: StoreKeys.dead(id), value: letter.json.encoded),
        ]
        if let oldest {
            changes += [
                ConsumerChange(key: StoreKeys.dead(oldest), value: nil),
                ConsumerChange(key: StoreKeys.message(oldest), value: nil),
            ]
        }
        return changes
    }

    /// Publishes dead letters, for as long as it takes; the bus may be away.
    func publishDead() async throws {
        wakeBurials()
        for await _ in burials {
            while true {
                let ids = state.withLock { state in
                    state.publishing = Set(state.unpublished.prefix(Self.publishMax))
                    return Array(state.unpublished.prefix(Self.publishMax))
                }
                if ids.isEmpty { break }
                defer { state.withLock { $0.publishing = [] } }
                do throws(BusError) { try await publish(ids) } catch {
                    if Task.isCancelled { return }
                    parts.logger.warning("Dead letters cannot be published", metadata: ["error": "\(error)"])
                    try await Task.sleep(for: Self.publishPause)
                }
            }
        }
    }

    private func publish(_ ids: [String]) async throws(BusError) {
        var records: [EncodedEvent] = []
        var changes: [ConsumerChange] = []
        for id in ids {
            // Not there: it has been forgotten meanwhile.
            guard var letter = try await letter(id) else { continue }
            let body = try await store.value(for: StoreKeys.message(id))
            if let record = letter.record(body.flatMap { try? ApprovalMessage(encoded: $0) }) { records.append(record) }
            letter.isPublished = true
            changes.append(ConsumerChange(key: StoreKeys.dead(id), value: letter.json.encoded))
        }
        if !records.isEmpty { try await parts.deadLetters.publish(records) }
        try await ledger.commit(changes)
        state.withLock { state in state.unpublished.removeAll { ids.contains($0) } }
    }

    func letter(_ id: String) async throws(BusError) -> DeadLetter? {
        try await store.value(for: StoreKeys.dead(id)).flatMap { try? DeadLetter(encoded: $0) }
    }

    /// What became of the wish to send a dead letter again.
    enum Resending: Hashable, Sendable {
        case resent
        case unknown
        /// Its approval is settled: asking for it would mislead.
        case settled
        case undeliverable(String)
    }

    func resend(_ id: String) async throws(BusError) -> Resending {
        guard let letter = try await letter(id), state.withLock({ $0.dead[id] != nil }) else { return .unknown }
        let delivery = letter.pending.delivery
        if case .asked = delivery.stage, try await store.value(for: StoreKeys.approval(delivery.approvalID)) == nil {
            return .settled
        }
        if let reason = state.withLock({ Self.undeliverable(delivery.channel, $0) }) { return .undeliverable(reason) }
        var pending = PendingDelivery(delivery, now: now)
        pending.recipients = letter.pending.recipients
        let owed = pending
        let taken = state.withLock { state -> Resending? in
            if state.publishing.contains(id) { return .undeliverable("its record is being published") }
            state.unpublished.removeAll { $0 == id }
            return state.dead.removeValue(forKey: id) == nil ? .unknown : nil
        }
        if let taken { return taken }
        try await ledger.commit([ConsumerChange(key: StoreKeys.dead(id), value: nil), Self.saved(owed)])
        state.withLock { state in
            state.outbox.add(owed)
            state.outbox.release([id])
        }
        wake()
        measure()
        return .resent
    }
}
