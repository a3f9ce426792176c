import EventBus
import Logging
import WorkflowModel

/// One stretch of counting: from the store's positions until the bus or the store fails.
struct CountingLoop {
    /// Events read at a time.
    static let pageCountMax = 1000
    /// A rest after a page that was not full, so that the next one has more than a commit's few events: each page wakes
    /// several threads, whatever it holds.
    static let gatheringTime = Duration.milliseconds(50)
    /// Pages that are read ahead of counting.
    static let pagesAheadMax = 3
    /// A transaction is due after so many events, or this long after the first: few commits, and fresh figures.
    static let commitCountMax = 4096
    static let commitDelay = Duration.milliseconds(100)
    /// Stored executions looked at in one step of forgetting.
    static let forgetCountMax = 256
    /// Event times further ahead of the clock are a wrong clock's.
    static let aheadMax = Duration.seconds(86_400)

    let subscriber: any EventSubscriber
    let store: any ConsumerStore
    let standing: AggregatorStanding
    let limits: AggregatorLimits
    let logger: Logger
    let now: @Sendable () -> Timestamp

    private enum Message: Sendable {
        case page([DeliveredEvent])
        case commitDue
        case failed(BusError)
    }

    /// - Parameter onFollowing: called once the topic is read.
    func run(onFollowing: () -> Void) async throws(BusError) {
        var state = try await load()
        standing.committed(state.figures)
        var start = SubscriptionOptions.Start.positions(state.resumePositions)
        var check = ContinuityCheck(state.landmarks)
        while true {
            let subscription = try await subscriber.subscribe(SubscriptionOptions(start: start))
            standing.subscribed(subscription)
            onFollowing()
            let result: Result<Bool, BusError>
            do throws(BusError) { result = .success(try await count(subscription, check, &state)) } catch {
                result = .failure(error)
            }
            await subscription.close()
            guard try result.get() else { return }
            logger.warning("The event topic is another one than was counted: it is read from its beginning")
            start = .beginning
            check = ContinuityCheck([:])
        }
    }

    // MARK: - The store

    private func load() async throws(BusError) -> AggregatorState {
        var state = AggregatorState(limits: limits)
        for prefix in AggregatorState.loadedPrefixes {
            var last: String?
            repeat {
                let page = try await store.entries(prefix: prefix, after: last, limit: Self.pageCountMax)
                for entry in page {
                    do throws(StoredFault) { try state.load(entry) } catch { throw Self.unreadable(entry.key) }
                }
                last = page.count == Self.pageCountMax ? page.last?.key : nil
            } while last != nil
        }
        state.loaded()
        return state
    }

    private static func unreadable(_ key: String) -> BusError {
        BusError(
            .corrupt,
            "the store of the metrics has an entry that this release did not write (\(key)); move the file away, and "
                + "the topic is counted again from its beginning")
    }

    private func commit(_ state: inout AggregatorState) async throws(BusError) {
        let (changes, positions) = state.takeChanges()
        try await store.commit(changes, positions: positions)
        standing.committed(state.figures)
    }

    /// One bounded step over the oldest stored executions; gives where the next one begins, nil at the beginning.
    private func forget(after key: String?, _ state: inout AggregatorState) async throws(BusError) -> String? {
        guard let oldest = state.oldestRemembered() else { return nil }
        let page = try await store.entries(
            prefix: AggregatorState.recordPrefix, after: key, limit: Self.forgetCountMax)
        // Identifiers sort by creation, and nothing ends before it began.
        let due = page.prefix { AggregatorState.execution(ofKey: $0.key).map { $0.time < oldest } ?? true }
        do throws(StoredFault) { try state.forget(Array(due)) } catch { throw Self.unreadable(due.first?.key ?? "") }
        return due.count == Self.forgetCountMax ? due.last?.key : nil
    }

    // MARK: - Counting

    /// Counts what the subscription gives, reading ahead of it.
    /// - Returns: whether the topic turned out to be another one than was counted; false when the task is cancelled.
    private func count(
        _ subscription: any EventSubscription, _ check: ContinuityCheck, _ state: inout AggregatorState
    ) async throws(BusError) -> Bool {
        let (messages, send) = AsyncStream.makeStream(of: Message.self)
        let (permits, permit) = AsyncStream.makeStream(of: Void.self)
        for _ in 0..<Self.pagesAheadMax { permit.yield() }
        let result: Result<Bool, BusError> = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withTaskCancellationHandler {
                    await Self.read(subscription, permits, send)
                } onCancel: {
                    // Wakes a waiting `next`.
                    Task { await subscription.close() }
                }
            }
            defer { group.cancelAll() }
            var check = check
            var uncommittedCount = 0
            var forgottenTo: String?
            var forgettingDue = state.oldestRemembered() ?? Timestamp(microseconds: .min)
            do throws(BusError) {
                for await message in messages {
                    switch message {
                    case .page(let page):
                        guard let fresh = check.fresh(page) else { return .success(true) }
                        try await apply(fresh, &state)
                        permit.yield()
                        if uncommittedCount == 0, !fresh.isEmpty {
                            group.addTask {
                                try? await Task.sleep(for: Self.commitDelay)
                                send.yield(.commitDue)
                            }
                        }
                        uncommittedCount += fresh.count
                        if uncommittedCount < Self.commitCountMax { continue }
                    case .commitDue: if uncommittedCount == 0 { continue }
                    case .failed(let error): throw error
                    }
                    try await commit(&state)
                    uncommittedCount = 0
                    // Once an hour of event time, and then page by page with each transaction.
                    if let oldest = state.oldestRemembered(), forgottenTo != nil || oldest >= forgettingDue {
                        forgottenTo = try await forget(after: forgottenTo, &state)
                        if forgottenTo == nil { forgettingDue = oldest + .seconds(3600) }
                    }
                }
                return .success(false)
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func apply(_ events: ArraySlice<DeliveredEvent>, _ state: inout AggregatorState) async throws(BusError) {
        guard !events.isEmpty else { return }
        standing.read(events.count)
        let unknown = state.unknown(in: events)
        if !unknown.isEmpty {
            let stored = try await store.values(for: unknown.map(AggregatorState.key(of:)))
            do throws(StoredFault) { try state.recall(stored) } catch {
                throw Self.unreadable(AggregatorState.recordPrefix)
            }
        }
        let ceiling = now() + Self.aheadMax
        for event in events { state.apply(event, ceiling: ceiling) }
    }

    /// Reads pages as permits allow, until the subscription ends or the task is cancelled.
    private static func read(
        _ subscription: any EventSubscription, _ permits: AsyncStream<Void>, _ send: AsyncStream<Message>.Continuation
    ) async {
        defer { send.finish() }
        do throws(BusError) {
            for await _ in permits {
                let page = try await subscription.next(limit: pageCountMax)
                if page.isEmpty { throw BusError(.closed, "the subscription was closed") }
                send.yield(.page(page))
                if page.count < pageCountMax { try? await Task.sleep(for: gatheringTime) }
            }
        } catch { send.yield(.failed(error)) }
    }
}

/// Whether the topic is still the one that was counted: a subscription begins at the last event counted of each
/// partition, which has to be that event.
struct ContinuityCheck {
    private var landmarks: [Int: PartitionPlace]

    init(_ landmarks: [Int: PartitionPlace]) { self.landmarks = landmarks }

    /// The events without those that were counted; nil when the topic is another one.
    mutating func fresh(_ page: [DeliveredEvent]) -> ArraySlice<DeliveredEvent>? {
        if landmarks.isEmpty { return page[...] }
        var fresh: [DeliveredEvent] = []
        for delivered in page {
            guard let place = landmarks.removeValue(forKey: delivered.partition) else {
                fresh.append(delivered)
                continue
            }
            // Beyond it: retention has taken it. Before it: the topic is shorter, and is read from its beginning.
            guard delivered.offset == place.nextOffset - 1 else {
                fresh.append(delivered)
                continue
            }
            let found = PartitionPlace.Last(execution: delivered.event.executionID, sequence: delivered.event.sequence)
            guard found == place.last else { return nil }
        }
        return fresh[...]
    }
}
