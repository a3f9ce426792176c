import WorkflowModel

/// The deliveries that are owed and which of them begins when; a value without I/O.
///
/// Each channel has a lane: so many attempts at a time, whatever the other channels do. Within a lane messages of one
/// approval follow each other.
struct Outbox: Sendable {
    enum Action: Hashable, Sendable {
        /// An attempt begins; its count is in the delivery already.
        case start(PendingDelivery)
        /// Nothing to do before this moment, or before something else happens.
        case wait(until: Timestamp?)
    }

    /// What the end of an attempt means for the delivery.
    enum Ending: Hashable, Sendable {
        /// `forget` it when that is durable.
        case delivered(PendingDelivery)
        /// Held: `release` it when that is durable, since what the next attempt writes may not be overtaken by it.
        case again(PendingDelivery)
        /// No further attempt: `forget` it when that is durable.
        case dead(PendingDelivery)
        /// The approval was settled meanwhile; nothing is kept of it.
        case dropped
    }

    fileprivate enum Stand { case held, waiting, inFlight, ending }

    private struct Entry {
        var pending: PendingDelivery
        var stand: Stand
        /// Settled while an attempt was under way.
        var isDropped = false
        /// Counted in its lane: from the beginning of an attempt until what it came to is durable.
        var isInLane = false
        /// Which slot of the queue is its present one.
        var serial = 0
    }

    fileprivate struct Slot {
        var dueAt: Timestamp
        var serial: Int
        var id: String
    }

    fileprivate struct Lane {
        /// The soonest last; slots of entries that have moved on are passed over.
        var queue: [Slot] = []
        var inFlight = 0
        /// Approvals with an attempt under way.
        var busy: Set<String> = []
        var pausedUntil: Timestamp?
    }

    private let laneConcurrencyMax: Int
    private var lanes: [String: Lane]
    /// Whose turn it is first.
    private var order: [String]
    private var entries: [String: Entry] = [:]
    private var byApproval: [String: Set<String>] = [:]
    private var serial = 0

    init(channels: [String], laneConcurrencyMax: Int) {
        self.laneConcurrencyMax = laneConcurrencyMax
        order = channels
        lanes = Dictionary(uniqueKeysWithValues: channels.map { ($0, Lane()) })
    }

    var count: Int { entries.count }

    /// What is owed to a channel, by when it is due.
    func pending(of channel: String? = nil) -> [PendingDelivery] {
        entries.values.filter { (channel == nil || $0.pending.channel == channel) && !$0.isDropped }.map(\.pending)
            .sorted { ($0.dueAt, $0.id) < ($1.dueAt, $1.id) }
    }

    func contains(_ id: String) -> Bool { entries[id] != nil }

    /// Takes a delivery over, held until `release`; one that is there already stays as it is.
    mutating func add(_ pending: PendingDelivery) {
        guard entries[pending.id] == nil, lanes[pending.channel] != nil else { return }
        entries[pending.id] = Entry(pending: pending, stand: .held)
        byApproval[pending.delivery.approvalID, default: []].insert(pending.id)
    }

    mutating func release(_ ids: [String]) {
        for id in ids where entries[id]?.stand == .held { queue(id) }
    }

    /// Begins the next attempt that is due and has room in its lane.
    mutating func next(now: Timestamp) -> Action {
        var soonest: Timestamp?
        for (turn, channel) in order.enumerated() {
            guard var lane = lanes[channel], lane.inFlight < laneConcurrencyMax else { continue }
            if let paused = lane.pausedUntil, paused > now {
                if !lane.queue.isEmpty { soonest = min(soonest ?? paused, paused) }
                continue
            }
            lane.pausedUntil = nil
            trim(&lane)
            let due = lane.queue.lastIndex { slot in
                slot.dueAt > now || isCurrent(slot) && !isBusy(slot, lane)
            }
            guard let index = due else {
                lanes[channel] = lane
                continue
            }
            let slot = lane.queue[index]
            guard slot.dueAt <= now, var entry = entries[slot.id] else {
                soonest = min(soonest ?? slot.dueAt, slot.dueAt)
                lanes[channel] = lane
                continue
            }
            lane.queue.remove(at: index)
            lane.inFlight += 1
            lane.busy.insert(entry.pending.delivery.approvalID)
            lanes[channel] = lane
            entry.stand = .inFlight
            entry.isInLane = true
            entry.pending.attempts += 1
            entries[slot.id] = entry
            order.append(order.remove(at: turn))
            return .start(entry.pending)
        }
        return .wait(until: soonest)
    }

    /// Takes an attempt's outcome over.
    mutating func ended(
        _ id: String, _ outcome: DeliveryOutcome, now: Timestamp, schedule: RetrySchedule, chance: Double
    ) -> Ending {
        guard var entry = entries[id], entry.stand == .inFlight else { return .dropped }
        let channel = entry.pending.channel
        if entry.isDropped {
            forget(id)
            return .dropped
        }
        entry.pending.lastError = outcome.reason
        if case .partly(let left, _, _) = outcome { entry.pending.recipients = left }
        if outcome.mayPass {
            let retryAfter = outcome.retryAfter
            if let retryAfter {
                lanes[channel]?.pausedUntil = now + min(retryAfter, RetrySchedule.retryAfterMax)
            }
            if let delay = schedule.delay(
                afterAttempts: entry.pending.attempts, retryAfter: retryAfter, chance: chance)
            {
                entry.pending.dueAt = now + delay
                leaveLane(&entry)
                entry.stand = .held
                entries[id] = entry
                return .again(entry.pending)
            }
        }
        entry.stand = .ending
        entries[id] = entry
        return outcome == .delivered ? .delivered(entry.pending) : .dead(entry.pending)
    }

    /// What ended is durable.
    mutating func forget(_ id: String) {
        guard var entry = entries.removeValue(forKey: id) else { return }
        leaveLane(&entry)
        let approval = entry.pending.delivery.approvalID
        byApproval[approval]?.remove(id)
        if byApproval[approval]?.isEmpty == true { byApproval[approval] = nil }
    }

    /// An approval is settled: what is owed of it is owed no more.
    ///
    /// - Returns: all its deliveries; and the channels that were, or may have been, told.
    mutating func drop(_ approval: String) -> (ids: [String], told: Set<String>) {
        let ids = (byApproval[approval] ?? []).sorted()
        var told: Set<String> = []
        for id in ids {
            guard let entry = entries[id] else { continue }
            if entry.pending.attempts > 0 { told.insert(entry.pending.channel) }
            switch entry.stand {
            case .held, .waiting: forget(id)
            case .inFlight: entries[id]?.isDropped = true
            case .ending: break
            }
        }
        return (ids, told)
    }

    /// A channel takes nothing any more: gives what was owed to it, but for attempts under way.
    mutating func clear(_ channel: String) -> [PendingDelivery] {
        let cleared = entries.values.filter { entry in
            entry.pending.channel == channel && (entry.stand == .held || entry.stand == .waiting)
        }.map(\.pending)
        lanes[channel]?.queue = []
        for pending in cleared { entries[pending.id]?.stand = .ending }
        return cleared
    }

    /// An acknowledgement that is not durable yet keeps its place, so that a crash loses no more than a lane holds.
    private mutating func leaveLane(_ entry: inout Entry) {
        guard entry.isInLane else { return }
        entry.isInLane = false
        lanes[entry.pending.channel]?.inFlight -= 1
        lanes[entry.pending.channel]?.busy.remove(entry.pending.delivery.approvalID)
    }

    private mutating func queue(_ id: String) {
        guard var entry = entries[id] else { return }
        serial += 1
        entry.stand = .waiting
        entry.serial = serial
        entries[id] = entry
        let slot = Slot(dueAt: entry.pending.dueAt, serial: serial, id: id)
        lanes[entry.pending.channel]?.insert(slot)
    }

    private func isCurrent(_ slot: Slot) -> Bool {
        entries[slot.id].map { $0.stand == .waiting && $0.serial == slot.serial } ?? false
    }

    private func isBusy(_ slot: Slot, _ lane: Lane) -> Bool {
        entries[slot.id].map { lane.busy.contains($0.pending.delivery.approvalID) } ?? false
    }

    private func trim(_ lane: inout Lane) {
        while let last = lane.queue.last, !isCurrent(last) { lane.queue.removeLast() }
    }
}

extension Outbox.Lane {
    /// Behind all that are due no later.
    fileprivate mutating func insert(_ slot: Outbox.Slot) {
        var (low, high) = (0, queue.count)
        while low < high {
            let middle = (low + high) / 2
            if (queue[middle].dueAt, queue[middle].serial) > (slot.dueAt, slot.serial) { low = middle + 1 } else {
                high = middle
            }
        }
        queue.insert(slot, at: low)
    }
}
