import EventBus
import Logging
import Synchronization
import WorkflowModel

/// From the topic into the outbox.
extension NotifierSession {
    static let group = "notifier"
    private static let batchMax = 1000
    /// A rest after a batch that was not full, so that the next one has more than a commit's few events.
    private static let gatheringTime = Duration.milliseconds(50)
    /// How long held deliveries wait before it is looked again whether the topic's end is reached.
    private static let measureInterval = Duration.milliseconds(100)
    /// Between two commits of a position that only others' events have moved.
    private static let positionInterval = Duration.seconds(1)
    /// Settled approvals are remembered for longer than their events come again.
    private static let settledRetention = Duration.seconds(14 * 86_400)

    /// Ends by throwing alone.
    func read() async throws {
        let subscription = try await parts.subscriber.subscribe(
            SubscriptionOptions(group: Self.group, start: .beginning))
        state.withLock { $0.isSubscribed = true }
        let result: Result<Void, any Error> = await withTaskCancellationHandler {
            do {
                try await sweep()
                try await follow(subscription)
                return .success(())
            } catch { return .failure(error) }
        } onCancel: {
            // Wakes a waiting `next`.
            Task { await subscription.close() }
        }
        state.withLock { $0.isSubscribed = false }
        await subscription.close()
        try result.get()
    }

    private func follow(_ subscription: any EventSubscription) async throws {
        var positions: [Int: Int64] = [:]
        var committed = ContinuousClock.now
        var isDue = true
        while true {
            let (isHolding, needsMeasure) = state.withLock { ($0.gate.isHolding, $0.gate.needsMeasure) }
            // Asked only here, where everything that was given out has been taken: what is left is what lags.
            if isHolding, isDue || needsMeasure, let lag = await subscription.lag { passed { $0.measured(lag: lag) } }
            let batch = try await next(
                of: subscription, within: state.withLock { $0.gate.isHolding } ? Self.measureInterval : nil)
            isDue = batch == nil
            guard let batch else { continue }
            if batch.isEmpty { throw BusError(.closed, "the subscription was closed") }
            for event in batch { positions[event.partition] = event.offset + 1 }
            let next = positions.map { TopicPosition(partition: $0.key, nextOffset: $0.value) }
            let taken = try await take(batch, positions: next)
            passed { $0.read(batch.count) }
            state.withLock { state in
                for pending in taken { state.outbox.add(pending) }
                state.gate.hold(taken.map(\.id))
            }
            parts.metrics.read(batch.count)
            if ContinuousClock.now - committed >= Self.positionInterval {
                committed = .now
                try await ledger.commit([], positions: next)
                try await subscription.commit(next)
            }
            if batch.count < Self.batchMax { try await Task.sleep(for: Self.gatheringTime) }
        }
    }

    private func passed(_ change: (inout CatchUpGate) -> [String]) {
        let isAny = state.withLock { state in
            let ids = change(&state.gate)
            state.outbox.release(ids)
            return !ids.isEmpty
        }
        if isAny { wake() }
    }

    /// - Returns: nil when nothing came in time; nothing is lost then.
    private func next(
        of subscription: any EventSubscription, within limit: Duration?
    ) async throws -> [DeliveredEvent]? {
        guard let limit else { return try await subscription.next(limit: Self.batchMax) }
        return try await withThrowingTaskGroup(of: [DeliveredEvent]?.self) { group in
            group.addTask {
                do throws(BusError) { return try await subscription.next(limit: Self.batchMax) } catch {
                    // Cancelled by the group below, or with the session, which ends by itself.
                    if error.code == .closed, Task.isCancelled { return nil }
                    throw error
                }
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            var events: [DeliveredEvent]?
            while let result = try await group.next() {
                events = events ?? result
                // Whichever is first ends the other; what `next` gives all the same is taken.
                group.cancelAll()
            }
            try Task.checkCancellation()
            return events
        }
    }

    /// Makes the events' effects durable with their position. - Returns: what is owed from now on.
    private func take(_ batch: [DeliveredEvent], positions: [TopicPosition]) async throws -> [PendingDelivery] {
        var intake = Intake(session: self)
        for event in batch.lazy.map(\.event) where event.type.hasPrefix("approval_") {
            let notice: ApprovalNotice?
            do { notice = try ApprovalNotice(event) } catch {
                parts.metrics.foundUnreadable()
                parts.logger.error("An approval's event cannot be read", metadata: ["error": "\(error)"])
                continue
            }
            if let notice { try await intake.take(notice) }
        }
        guard intake.isTouched else { return [] }
        try await ledger.commit(intake.changes, positions: positions)
        buried(intake.dead)
        measure()
        return intake.added
    }

    /// Forgets approvals that were settled long ago; keys are in the order of their executions' start.
    private func sweep() async throws {
        let before = now + .microseconds(-Self.settledRetention.microseconds)
        var changes: [ConsumerChange] = []
        for entry in try await store.all(StoreKeys.settled) {
            if case .settled(let time) = try ApprovalRecord(encoded: entry.value), time < before {
                changes.append(ConsumerChange(key: entry.key, value: nil))
            }
        }
        if !changes.isEmpty { try await ledger.commit(changes) }
    }
}
