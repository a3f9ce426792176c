package import EventBus
package import Logging
import Metrics
import ServiceLifecycle
import Synchronization
package import WorkflowEngine
package import WorkflowModel

/// Publishes committed events in journal order: from memory while it keeps up, from the journal when it is behind.
///
/// At least once: what a bus acknowledged last is remembered by the bus itself or by the journal, and a stale position
/// means duplicates with equal ids. A bus that is down costs the executions nothing; the backlog is the journal.
package final class Relay: Service {
    package struct Configuration: Sendable {
        package var batchMax = 512
        package var retryDelayMin = Duration.milliseconds(100)
        package var retryDelayMax = Duration.seconds(1)
        /// While executions run, a rest after each page of a backlog: as long as the page took, and no longer than
        /// this.
        package var restMax = Duration.milliseconds(50)
        /// How often the bus may refuse an event for its size before the event is cut short.
        package var refusalsMax = 3
        package init() {}
    }

    /// How the relay stands, for health and metrics.
    package struct Standing: Sendable {
        package var isReachable = true
        package var lastError: String?
        /// The oldest event that is committed and not published; nil when there is none known.
        package var oldestUnpublishedAt: Timestamp?
        package var publishedCount = 0
        /// Events that are committed and not published. Counted along, so that it may be off by those of the first
        /// moments until the relay has caught up once.
        package var backlogCount = 0
    }

    private let journal: any Journal
    private let lease: JournalLease
    let publisher: any EventPublisher
    let deadLetters: DeadLetterPublisher?
    let configuration: Configuration
    let logger: Logger
    private let buffer = Mutex(RelayBuffer())
    private let state = Mutex(Standing())
    /// Rises with every commit.
    private let commitCount = Atomic(0)
    private let doorbell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation
    private let published = Counter(label: "stepstream_relay_published_events_total")
    private let backlogEvents = Gauge(label: "stepstream_relay_backlog_events")
    let withheld = Counter(label: "stepstream_relay_withheld_events_total")
    private let failures = Counter(label: "stepstream_relay_publish_failures_total")
    /// How old the oldest event is that the bus has not taken; 0 when there is none.
    private let backlogAge = Gauge(label: "stepstream_relay_backlog_age_seconds")

    let clock: any WallClock

    /// - Parameter deadLetters: told of events that the bus refuses for good.
    package init(
        journal: any Journal, lease: JournalLease, publisher: any EventPublisher,
        deadLetters: DeadLetterPublisher? = nil, clock: any WallClock, configuration: Configuration, logger: Logger
    ) {
        self.journal = journal
        self.lease = lease
        self.publisher = publisher
        self.deadLetters = deadLetters
        self.clock = clock
        self.configuration = configuration
        self.logger = logger
        (doorbell, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var retryPause: DoublingPause {
        DoublingPause(from: configuration.retryDelayMin, to: configuration.retryDelayMax)
    }

    package var standing: Standing { state.withLock { $0 } }

    /// Runs until the task is cancelled; `finish` lets it publish what is committed first.
    package func run() async throws {
        var position = await startPosition()
        let backlog = (try? await journal.countEvents(after: position, shard: lease.shard)) ?? 0
        state.withLock { $0.backlogCount = backlog }
        journal.setCommitTap { [self] committed in
            state.withLock { $0.backlogCount += committed.count }
            commitCount.add(1, ordering: .relaxed)
            buffer.withLock { $0.add(committed) }
            ring.yield()
        }
        defer { journal.setCommitTap(nil) }
        ring.yield()
        for await _ in doorbell {
            while !Task.isCancelled, await step(&position) {}
        }
    }

    /// Ends `run` once everything committed so far is published.
    package func finish() { ring.finish() }

    /// Publishes some of what waits; false when nothing does.
    private func step(_ position: inout JournalPosition?) async -> Bool {
        if buffer.withLock({ $0.isBehind }) {
            buffer.withLock { $0.collect() }
            await catchUp(&position)
            return !Task.isCancelled
        }
        let waiting = buffer.withLock { $0.take() }
        guard !waiting.isEmpty else {
            report(oldest: nil, isCaughtUp: true)
            return false
        }
        let fresh = position.map { last in waiting.drop { $0.position <= last } } ?? waiting[...]
        await publish(fresh, &position)
        return true
    }

    /// Reads the journal until it has no more. A backlog is drained at full speed while nothing else happens; beside
    /// executions that run it rests about as long as it works, so that they are not held up by the past.
    private func catchUp(_ position: inout JournalPosition?) async {
        var pause = retryPause
        while !Task.isCancelled {
            do {
                let (start, commits) = (ContinuousClock.now, commitCount.load(ordering: .relaxed))
                let page = try await journal.events(after: position, shard: lease.shard, limit: configuration.batchMax)
                guard !page.isEmpty else { return }
                await publish(page[...], &position, isMore: page.count == configuration.batchMax)
                pause.reset()
                if page.count == configuration.batchMax, commitCount.load(ordering: .relaxed) != commits {
                    try? await Task.sleep(for: min(.now - start, configuration.restMax))
                }
            } catch {
                logger.error("relay cannot read the journal", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: pause.next())
            }
        }
    }

    private func publish(
        _ events: ArraySlice<CommittedEvent>, _ position: inout JournalPosition?, isMore: Bool = false
    ) async {
        var rest = events
        while !rest.isEmpty, !Task.isCancelled {
            let batch = rest.prefix(configuration.batchMax)
            guard let last = batch.last else { return }
            await publishUntilTaken(
                batch.map { SourcedEvent(position: SourcePosition(rawValue: $0.position.rawValue), event: $0.event) })
            if Task.isCancelled { return }
            position = last.position
            rest = rest.dropFirst(batch.count)
            if !publisher.storesSourcePosition { await journal.notePublished(last.position, lease: lease) }
            published.increment(by: batch.count)
            // The next page begins about where this one ends.
            let oldest = rest.first?.event.time ?? (isMore ? last.event.time : nil)
            state.withLock {
                $0.isReachable = true
                $0.lastError = nil
                $0.publishedCount += batch.count
                $0.backlogCount = max(0, $0.backlogCount - batch.count)
            }
            report(oldest: oldest)
        }
    }

    /// Tries for as long as it takes; only what the bus refuses for its own sake is changed.
    private func publishUntilTaken(_ batch: [SourcedEvent]) async {
        var pause = retryPause
        while !Task.isCancelled {
            do throws(BusError) {
                return try await publisher.publish(batch)
            } catch {
                if error.code == .eventTooLarge { return await publishEach(batch) }
                noteFailure(error, of: batch)
                try? await Task.sleep(for: pause.next())
            }
        }
    }

    func noteFailure(_ error: BusError, of batch: [SourcedEvent]) {
        failures.increment()
        let wasReachable = state.withLock { state in
            defer {
                state.isReachable = false
                state.lastError = "\(error)"
            }
            return state.isReachable
        }
        report(oldest: batch.first?.event.time)
        // Once an outage, not once a try.
        if wasReachable { logger.error("the bus does not take events", metadata: ["error": "\(error)"]) }
    }

    private func report(oldest: Timestamp?, isCaughtUp: Bool = false) {
        let backlog = state.withLock { state in
            // What was committed since the buffer was found empty rings again.
            if isCaughtUp, buffer.withLock({ $0.events.isEmpty }) { state.backlogCount = 0 }
            state.oldestUnpublishedAt = oldest
            return state.backlogCount
        }
        backlogEvents.record(backlog)
        backlogAge.record(oldest.map { max(clock.now - $0, .zero).milliseconds / 1000 } ?? 0)
    }

    private func startPosition() async -> JournalPosition? {
        var pause = retryPause
        while !Task.isCancelled {
            do {
                if publisher.storesSourcePosition {
                    return try await publisher.sourcePosition().map { JournalPosition(rawValue: $0.rawValue) }
                }
                return try await journal.publishedPosition(shard: lease.shard)
            } catch {
                logger.error("relay cannot find its position", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: pause.next())
            }
        }
        return nil
    }
}
