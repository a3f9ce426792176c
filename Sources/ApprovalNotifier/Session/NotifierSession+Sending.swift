import EventBus
import Logging
import Synchronization
import WorkflowModel

/// From the outbox to the receivers.
extension NotifierSession {
    /// Begins attempts as they come due. - Throws: what the store failed with.
    func send() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for await _ in dispatches {
                while let action = nextAction() {
                    switch action {
                    case .start(let pending):
                        group.addTask {
                            do { try await self.attempt(pending) } catch {
                                // A failed child cancels the others, but not the loop that begins them.
                                self.endDispatching()
                                throw error
                            }
                        }
                    case .wait(let until):
                        guard let until, isSooner(until) else { break }
                        group.addTask { await self.sleep(until: until) }
                    }
                    if case .wait = action { break }
                }
            }
        }
    }

    private func nextAction() -> Outbox.Action? {
        let now = now
        return state.withLock { state in
            if state.isStopping { return nil }
            let action = state.outbox.next(now: now)
            if case .start = action { state.inFlight += 1 }
            return action
        }
    }

    private func isSooner(_ moment: Timestamp) -> Bool {
        state.withLock { state in
            if let alarm = state.alarm, alarm <= moment { return false }
            state.alarm = moment
            return true
        }
    }

    private func sleep(until moment: Timestamp) async {
        // Bounded, so that a clock that is set is noticed.
        try? await Task.sleep(for: min(max(moment - now, .milliseconds(1)), .seconds(60)))
        state.withLock { if $0.alarm == moment { $0.alarm = nil } }
        wake()
    }

    /// Makes one attempt. That it begins is durable before it does: whoever may have been told hears of the end.
    private func attempt(_ pending: PendingDelivery) async throws {
        defer { state.withLock { $0.inFlight -= 1 } }
        try await ledger.commit([Self.saved(pending)])
        guard let sender = parts.senders[pending.channel],
            let body = try await store.value(for: StoreKeys.message(pending.id))
        else {
            // Settled between the two.
            state.withLock { state in
                _ = state.outbox.ended(
                    pending.id, .refused("the message is gone"), now: now, schedule: parts.configuration.schedule,
                    chance: 0)
                state.outbox.forget(pending.id)
            }
            wake()
            return
        }
        let outcome = await sender.send(
            OutgoingMessage(id: pending.id, body: body, now: now, recipients: pending.recipients))
        // A session that ends cuts attempts off: what they would have come to is not known.
        if Task.isCancelled, !outcome.isTold { return }
        note(outcome, of: pending.channel)
        let end = now
        let chance = Double.random(in: 0..<1)
        let ending = state.withLock { state in
            state.outbox.ended(
                pending.id, outcome, now: end, schedule: parts.configuration.schedule, chance: chance)
        }
        defer { wake() }
        var told: [ConsumerChange] = []
        if outcome.isTold, case .asked = pending.delivery.stage {
            told.append(
                ConsumerChange(key: StoreKeys.told(pending.delivery.approvalID, pending.channel), value: []))
        }
        switch ending {
        case .delivered(let pending):
            parts.metrics.delivered(pending.channel, after: end - pending.createdAt)
            try await ledger.commit(Self.removal(of: pending.id) + told)
            state.withLock { $0.outbox.forget(pending.id) }
        case .again(let pending):
            try await ledger.commit([Self.saved(pending)] + told)
            state.withLock { $0.outbox.release([pending.id]) }
        case .dead(let pending): try await bury([pending], reason: outcome.reason ?? "", with: told)
        case .dropped: break
        }
        if case .gone(let reason) = outcome { try await disable(pending.channel, reason: reason) }
        measure()
    }

    private func note(_ outcome: DeliveryOutcome, of channel: String) {
        parts.metrics.attempted(channel, outcome)
        let before = state.withLock { state in
            defer { state.channels[channel]?.failure = outcome.reason }
            return state.channels[channel]?.failure
        }
        guard let reason = outcome.reason, before == nil else { return }
        parts.logger.warning(
            "A channel's receiver does not take messages", metadata: ["channel": "\(channel)", "error": "\(reason)"])
    }

    // MARK: channels

    private func disable(_ name: String, reason: String) async throws {
        guard let channel = parts.configuration.channels.first(where: { $0.name == name }) else { return }
        let cleared = state.withLock { state -> [PendingDelivery]? in
            guard state.channels[name]?.disabledReason == nil else { return nil }
            state.channels[name]?.disabledReason = reason
            return state.outbox.clear(name)
        }
        guard let cleared else { return }
        parts.logger.warning("A channel is disabled", metadata: ["channel": "\(name)", "reason": "\(reason)"])
        let value: JSONValue = [
            "address": .string(channel.addressDigest), "reason": .string(reason), "since": .string(now.description),
        ]
        try await ledger.commit([ConsumerChange(key: StoreKeys.channel(name), value: value.encoded)])
        try await bury(cleared, reason: "the channel is disabled: \(reason)")
    }

    /// - Returns: false for a channel that the settings do not have.
    func enable(_ name: String) async throws(BusError) -> Bool {
        guard state.withLock({ $0.channels[name] != nil }) else { return false }
        try await ledger.commit([ConsumerChange(key: StoreKeys.channel(name), value: nil)])
        state.withLock { $0.channels[name] = ChannelStanding() }
        measure()
        return true
    }
}
