import EventBus
import WebServing
import WorkflowModel

/// The state behind `StreamHub`'s lock: executions in memory, their clients, and the queue of history scans.
struct HubState {
    /// An entry's bookkeeping, beside its events.
    static let entryOverheadBytes = 512
    /// How far an execution's ID may be ahead of this machine's clock: the orchestrator accepts IDs that are a minute
    /// ahead, and clocks of machines differ.
    static let startToleranceMicroseconds: Int64 = 5 * 60 * 1_000_000

    final class Entry {
        enum Scan: Equatable {
            case idle, queued(after: Int), pausing
            /// Started for `owner` during the subscription of this number.
            case running(subscription: Int, owner: String)

            var isRunning: Bool { if case .running = self { true } else { false } }
        }

        var log: ExecutionLog
        var clients: [Int: Client] = [:]
        var scan = Scan.idle
        /// Scans in a row that found nothing new.
        var fruitlessScanCount = 0
        var isTouched = false

        init(log: ExecutionLog) { self.log = log }
    }

    struct Client {
        let connection: any StreamConnection
        /// Who is charged for a scan: scans are shared out fairly among owners.
        let owner: String
        var machine: StreamStateMachine
        /// Whether the connection was told that it has everything so far.
        var isCaughtUp = false
    }

    let configuration: GatewayConfiguration
    let isBeyondRetention: @Sendable (ExecutionID) -> Bool
    private let emit: (StreamHub.Work) -> Void
    let metrics = GatewayMetrics()

    var entries: [ExecutionID: Entry] = [:]
    private(set) var clientCount = 0
    private var nextClient = 0
    private(set) var isSubscribed = false
    /// The number of the current subscription, from 1.
    private var subscription = 0
    /// Executions created before this time may be incomplete in memory (evicted, or started before we subscribed) and
    /// need a history scan.
    var coldBefore = Timestamp(microseconds: .max)
    var memoryBytes = 0
    /// Executions whose final event came, oldest first.
    var finished = ArraySlice<ExecutionID>()
    /// Entries without events and clients, and until when they are kept.
    var unknown = ArraySlice<(execution: ExecutionID, until: ContinuousClock.Instant)>()
    private var scanQueue = FairQueue<String, ExecutionID>()
    private var scanCount = 0
    private var scanCounts: [String: Int] = [:]

    init(
        configuration: GatewayConfiguration, isBeyondRetention: @escaping @Sendable (ExecutionID) -> Bool,
        emit: @escaping @Sendable (StreamHub.Work) -> Void
    ) {
        self.configuration = configuration
        self.isBeyondRetention = isBeyondRetention
        self.emit = emit
    }

    var statistics: StreamHub.Statistics {
        StreamHub.Statistics(
            clientCount: clientCount, executionCount: entries.count, memoryBytes: memoryBytes, scanCount: scanCount,
            isSubscribed: isSubscribed)
    }

    // MARK: clients

    mutating func attach(
        _ connection: any StreamConnection, of owner: String, to execution: ExecutionID, after sequence: Int,
        now: ContinuousClock.Instant
    ) -> Int {
        forgetUnknown(now: now)
        let entry = entry(of: execution)
        let id = nextClient
        nextClient += 1
        clientCount += 1
        entry.clients[id] = Client(
            connection: connection, owner: owner, machine: StreamStateMachine(after: sequence))
        advance(id, entry, execution)
        pumpScans()
        return id
    }

    mutating func detach(_ client: Int, _ execution: ExecutionID, now: ContinuousClock.Instant) {
        guard let entry = entries[execution], entry.clients.removeValue(forKey: client) != nil else { return }
        clientCount -= 1
        if entry.clients.isEmpty, entry.log.isEmpty { rememberUnknown(execution, now: now) }
    }

    mutating func hasRoom(_ client: Int, _ execution: ExecutionID) {
        guard let entry = entries[execution] else { return }
        entry.clients[client]?.machine.hasRoom()
        advance(client, entry, execution)
        pumpScans()
    }

    // MARK: the live topic

    mutating func subscribed(at time: Timestamp) {
        isSubscribed = true
        subscription += 1
        coldBefore = Timestamp(microseconds: time.microseconds + Self.startToleranceMicroseconds)
        for (execution, entry) in entries { advanceAll(entry, execution) }
        pumpScans()
    }

    mutating func interrupted() {
        if isSubscribed { metrics.interrupted() }
        isSubscribed = false
        coldBefore = Timestamp(microseconds: .max)
        for entry in entries.values { entry.log.markInterrupted() }
    }

    mutating func publish(_ batch: [DeliveredEvent]) {
        var touched: [ExecutionID] = []
        for delivered in batch {
            let event = delivered.event
            let entry = entry(of: event.executionID)
            guard insert(event, into: entry), !entry.clients.isEmpty, !entry.isTouched else { continue }
            entry.isTouched = true
            touched.append(event.executionID)
        }
        // All of a batch's events for a client go out in one write.
        for execution in touched {
            guard let entry = entries[execution] else { continue }
            entry.isTouched = false
            advanceAll(entry, execution)
        }
        keepBudget()
        pumpScans()
    }

    // MARK: history

    mutating func took(_ page: EventHistoryPage, of execution: ExecutionID, scanFrom start: Int) -> Int? {
        let entry = entry(of: execution)
        var isFruitful = false
        for event in page.events where insert(event, into: entry) { isFruitful = true }
        if isFruitful { entry.fruitlessScanCount = 0 }
        if page.hasMore, let last = page.events.last?.sequence {
            advanceAll(entry, execution)
            let isWanted = entry.clients.values.contains { client in
                if case .fetch = client.machine.next(in: entry.log) { true } else { false }
            }
            keepBudget()
            if isWanted { return last }
            // The remaining clients are back-pressured; `hasRoom` requests another scan.
            endScan(entry)
            return nil
        }
        // Events may have passed between the subscription that the scan began in and the current one.
        guard case .running(subscription: subscription, _) = entry.scan, isSubscribed else {
            finishScan(entry, execution, start: start, isFruitful: true)
            return nil
        }
        if page.isWhole {
            entry.log.markComplete(after: start)
        } else {
            entry.log.markUnservable(after: start, isTruncated: true)
        }
        finishScan(entry, execution, start: start, isFruitful: isFruitful)
        return nil
    }

    mutating func scanFailed(_ execution: ExecutionID, scanFrom start: Int, isRetryable: Bool) {
        metrics.scanFailed()
        let entry = entry(of: execution)
        if !isRetryable { entry.log.markUnservable(after: start, isTruncated: true) }
        // A bus that is down will come back with its events, so these failures never count as "the event is lost".
        finishScan(entry, execution, start: start, isFruitful: false, isCounted: !isRetryable)
    }

    mutating func pauseEnded(_ execution: ExecutionID) {
        guard let entry = entries[execution], entry.scan == .pausing else { return }
        entry.scan = .idle
        advanceAll(entry, execution)
        pumpScans()
    }

    private mutating func finishScan(
        _ entry: Entry, _ execution: ExecutionID, start: Int, isFruitful: Bool, isCounted: Bool = true
    ) {
        releaseScan(entry)
        // `.pausing` keeps the clients that advance here from requesting another scan.
        entry.scan = .pausing
        advanceAll(entry, execution)
        var wanted = wantedStart(entry)
        if let after = wanted?.after, after >= start, !isFruitful {
            entry.fruitlessScanCount += 1
            if isCounted, entry.fruitlessScanCount > configuration.gapRetriesMax {
                entry.log.markUnservable(after: after, isTruncated: false)
                advanceAll(entry, execution)
                wanted = wantedStart(entry)
            } else {
                emit(.pause(execution, pause(after: entry.fruitlessScanCount)))
                keepBudget()
                pumpScans()
                return
            }
        }
        entry.scan = .idle
        entry.fruitlessScanCount = 0
        if let wanted { requestScan(entry, execution, after: wanted.after, for: wanted.owner) }
        keepBudget()
        pumpScans()
    }

    private mutating func endScan(_ entry: Entry) {
        releaseScan(entry)
        entry.scan = .idle
        pumpScans()
    }

    private mutating func releaseScan(_ entry: Entry) {
        guard case .running(_, let owner) = entry.scan else { return }
        scanCount -= 1
        scanCounts[owner] = (scanCounts[owner] ?? 1) > 1 ? scanCounts[owner, default: 1] - 1 : nil
    }

    /// The position and owner of the client that needs history from furthest back.
    private func wantedStart(_ entry: Entry) -> (after: Int, owner: String)? {
        entry.clients.values.compactMap { client -> (after: Int, owner: String)? in
            if case .fetch(let after) = client.machine.next(in: entry.log) { (after, client.owner) } else { nil }
        }.min { $0.after < $1.after }
    }

    /// The pause doubles from `gapRetryDelay` up to five seconds.
    private func pause(after fruitlessScanCount: Int) -> Duration {
        let factor = 1 << min(max(0, fruitlessScanCount - 1), 16)
        return min(configuration.gapRetryDelay * factor, .seconds(5))
    }

    private mutating func requestScan(
        _ entry: Entry, _ execution: ExecutionID, after sequence: Int, for owner: String
    ) {
        switch entry.scan {
        case .idle:
            entry.scan = .queued(after: sequence)
            scanQueue.append(execution, for: owner)
        case .queued(let after): entry.scan = .queued(after: min(after, sequence))
        // All clients are advanced when the scan or the pause ends.
        case .running, .pausing: break
        }
    }

    private mutating func pumpScans() {
        // Scan only while subscribed; events published between a scan and a later subscription would be missed.
        while isSubscribed, scanCount < configuration.scansMax,
            let (owner, execution) = scanQueue.popFirst(where: { scanCounts[$0] ?? 0 < configuration.scansPerOwnerMax })
        {
            guard let entry = entries[execution], case .queued(let after) = entry.scan else { continue }
            guard !entry.clients.isEmpty else {
                entry.scan = .idle
                continue
            }
            entry.scan = .running(subscription: subscription, owner: owner)
            scanCount += 1
            scanCounts[owner, default: 0] += 1
            metrics.scanStarted()
            emit(.scan(execution, after: after))
        }
    }

    // MARK: sending

    private mutating func advanceAll(_ entry: Entry, _ execution: ExecutionID) {
        for client in Array(entry.clients.keys) { advance(client, entry, execution) }
    }

    private mutating func advance(_ id: Int, _ entry: Entry, _ execution: ExecutionID) {
        guard var client = entry.clients[id] else { return }
        var isMoving = true
        while isMoving {
            switch client.machine.next(in: entry.log) {
            case .send(let messages, let through):
                isMoving = Self.send(Array(messages), to: &client) { $0.didSend(through: through) }
                if isMoving { metrics.sent(messages.count) }
            case .announceMissing(let from, let to):
                let message = SnapshotMessage.make(execution, missingFrom: from, to: to)
                isMoving = Self.send([message], to: &client) { $0.didAnnounceMissing(to: to) }
                if isMoving { metrics.announcedMissing() }
            case .fetch(let after):
                requestScan(entry, execution, after: after, for: client.owner)
                isMoving = false
            case .end:
                client.connection.close(.normal, reason: "the execution has ended")
                client.machine.didEnd()
                isMoving = false
            case .wait:
                if !client.isCaughtUp, !client.machine.isBlocked, !client.machine.isEnded {
                    client.isCaughtUp = true
                    client.connection.caughtUp()
                }
                isMoving = false
            }
        }
        entry.clients[id] = client
    }

    private static func send(
        _ messages: [StreamMessage], to client: inout Client, _ done: (inout StreamStateMachine) -> Void
    ) -> Bool {
        switch client.connection.send(messages) {
        case .sent:
            done(&client.machine)
            return true
        case .full:
            client.machine.didRefuse()
            return false
        case .closed:
            client.machine.didEnd()
            return false
        }
    }
}
