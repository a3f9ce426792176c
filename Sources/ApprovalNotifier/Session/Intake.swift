import EventBus
import Synchronization
import WorkflowModel

/// What the approval events of one batch lead to; durable in one commit with the batch's position.
struct Intake {
    private let session: NotifierSession
    private var records: [String: ApprovalRecord] = [:]
    private(set) var changes: [ConsumerChange] = []
    private(set) var added: [PendingDelivery] = []
    /// What nothing can be sent to, or has no room.
    private(set) var dead: [String] = []

    init(session: NotifierSession) { self.session = session }

    var isTouched: Bool { !changes.isEmpty }

    mutating func take(_ notice: ApprovalNotice) async throws(NotifierError) {
        let id = notice.approvalID
        var record: ApprovalRecord
        if let known = records[id] { record = known } else { record = try await load(id) }
        let facts = record.facts
        let step = record.take(notice)
        records[id] = record
        switch step {
        case .nothing: break
        case .announce(let stage):
            put(StoreKeys.approval(id), record.encoded)
            announce(notice, stage: stage, facts: record.facts)
        case .settle:
            put(StoreKeys.approval(id), nil)
            put(StoreKeys.settled(id), record.encoded)
            try await settle(notice, facts: facts)
        }
    }

    private func load(_ id: String) async throws(NotifierError) -> ApprovalRecord {
        do throws(BusError) {
            if let settled = try await session.store.value(for: StoreKeys.settled(id)) {
                return try Self.decoded(settled)
            }
            return try Self.decoded(try await session.store.value(for: StoreKeys.approval(id)))
        } catch { throw NotifierError(.store, "the approval cannot be looked up", cause: error) }
    }

    private static func decoded(_ bytes: [UInt8]?) throws(BusError) -> ApprovalRecord {
        do throws(NotifierError) { return try ApprovalRecord(encoded: bytes) } catch {
            throw BusError(.corrupt, "\(error)")
        }
    }

    private mutating func announce(_ notice: ApprovalNotice, stage: Int, facts: JSONObject) {
        for channel in session.parts.configuration.channels {
            let addressed = notice.approvers.filter { channel.approvers.isEmpty || channel.approvers.contains($0) }
            guard !addressed.isEmpty else { continue }
            let links = session.parts.configuration.links?.links(for: notice, facts: facts, to: addressed)
            owe(
                Delivery(approvalID: notice.approvalID, channel: channel.name, stage: .asked(stage)),
                ApprovalMessage(notice, facts: facts, links: links ?? []))
        }
    }

    /// What is owed of the approval is dropped first; an acknowledgement that memory forgot by then is in the store.
    private mutating func settle(_ notice: ApprovalNotice, facts: JSONObject) async throws(NotifierError) {
        let id = notice.approvalID
        for pending in added where pending.delivery.approvalID == id {
            changes += NotifierSession.removal(of: pending.id)
        }
        added.removeAll { $0.delivery.approvalID == id }
        let (ids, attempted) = session.state.withLock { $0.outbox.drop(id) }
        for dropped in ids { changes += NotifierSession.removal(of: dropped) }
        var told = attempted
        let prefix = StoreKeys.told(id)
        do throws(BusError) {
            let entries = try await session.store.entries(
                prefix: prefix, after: nil, limit: NotifierConfiguration.channelsMax * 2)
            told.formUnion(entries.map { String($0.key.dropFirst(prefix.count)) })
        } catch { throw NotifierError(.store, "who was told cannot be looked up", cause: error) }
        for channel in told.sorted() {
            put(StoreKeys.told(id, channel), nil)
            guard session.parts.configuration.channels.contains(where: { $0.name == channel }) else { continue }
            owe(
                Delivery(approvalID: id, channel: channel, stage: .settled),
                ApprovalMessage(notice, facts: facts, links: []))
        }
    }

    private mutating func owe(_ delivery: Delivery, _ message: ApprovalMessage) {
        let pending = PendingDelivery(delivery, now: session.now)
        put(StoreKeys.message(pending.id), message.encoded)
        let reason = session.state.withLock { state in
            NotifierSession.undeliverable(delivery.channel, state)
                ?? (state.outbox.count + added.count < session.parts.configuration.pendingCountMax
                    ? nil : "more deliveries are owed than are kept")
        }
        if let reason {
            changes += session.burial(DeadLetter(pending, reason: reason, diedAt: session.now))
            dead.append(pending.id)
        } else {
            changes.append(NotifierSession.saved(pending))
            added.append(pending)
        }
    }

    private mutating func put(_ key: String, _ value: [UInt8]?) {
        changes.append(ConsumerChange(key: key, value: value))
    }
}
