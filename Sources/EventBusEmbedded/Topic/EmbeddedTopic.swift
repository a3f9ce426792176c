import EventBus
import Logging
import Synchronization
import WorkflowModel

/// One topic in this process: what its publisher, subscriptions and history share.
final class EmbeddedTopic: Sendable {
    let paths: TopicPaths
    let configuration: EmbeddedBusConfiguration
    let hub: TopicHub
    let logger: Logger

    /// Catching up and history have a connection and a thread each: neither waits for the other.
    private let catchUp: TopicReader
    private let catchUpThread: BlockingThread
    private let scans: TopicReader
    private let scanThread: BlockingThread

    private struct State {
        var hasPublisher = false
        var subscriptions = 0
        var tokens: UInt64 = 0
        var watcher: TopicWatcher?
        var isClosed = false
    }
    private let state = Mutex(State())

    init(paths: TopicPaths, configuration: EmbeddedBusConfiguration, logger: Logger) throws(BusError) {
        self.paths = paths
        self.configuration = configuration
        self.logger = logger
        hub = TopicHub(recentBytesMax: configuration.recentBytesMax)
        catchUp = TopicReader(path: paths.database)
        scans = TopicReader(path: paths.database)
        catchUpThread = try BlockingThread()
        scanThread = try BlockingThread()
    }

    func head() async throws(BusError) -> TopicReader.Head? {
        let reader = catchUp
        return try await catchUpThread.run { () throws(BusError) in try reader.head() }
    }

    /// The next offset to be written, now: a hub that another process's publisher moves may rest, so the file is asked.
    var presentHead: Int64? {
        get async {
            if state.withLock({ $0.hasPublisher }) { return hub.head }
            return (try? await head())?.nextOffset ?? hub.head
        }
    }

    func page(from offset: Int64, limit: Int) async throws(BusError) -> TopicReader.Page {
        let reader = catchUp
        return try await catchUpThread.run { () throws(BusError) in try reader.page(from: offset, limit: limit) }
    }

    func history(
        of execution: ExecutionID, after sequence: Int, limit: Int
    ) async throws(BusError) -> EventHistoryPage {
        let reader = scans
        return try await scanThread.run { () throws(BusError) in
            try reader.history(of: execution, after: sequence, limit: limit)
        }
    }

    /// From here on the publisher of this process moves the hub.
    func publisherOpened(nextOffset: Int64) async {
        hub.advance(to: nextOffset)
        let watcher = state.withLock { state in
            state.hasPublisher = true
            defer { state.watcher = nil }
            return state.watcher
        }
        await watcher?.finish()
    }

    func publisherClosed() {
        do throws(BusError) {
            try adjust { $0.hasPublisher = false }
        } catch {
            // A bus that is closed has nobody left to watch for.
            if error.code == .closed { return }
            logger.error("topic is no longer watched", metadata: ["topic": "\(paths.name)", "error": "\(error)"])
            hub.fail(error)
        }
    }

    /// Counts a subscription in and gives it its token.
    func subscribed() throws(BusError) -> UInt64 {
        var token: UInt64 = 0
        try adjust { state in
            state.subscriptions += 1
            state.tokens += 1
            token = state.tokens
        }
        return token
    }

    /// Counts a subscription out; the last one's watcher has ended on return.
    func unsubscribed() async { await countOut()?.finish() }

    /// As `unsubscribed`, for a subscription that nobody closed: its watcher ends soon.
    func subscriptionForgotten() { countOut()?.stop() }

    /// The watcher that nobody needs any more.
    private func countOut() -> TopicWatcher? {
        state.withLock { state in
            state.subscriptions -= 1
            guard state.subscriptions == 0 else { return nil }
            defer { state.watcher = nil }
            return state.watcher
        }
    }

    /// The file is closed on return, so whoever comes next has it for itself.
    func close() async {
        let watcher = state.withLock { state in
            state.isClosed = true
            defer { state.watcher = nil }
            return state.watcher
        }
        hub.fail(BusError(.closed, "the bus is closed"))
        await watcher?.finish()
        for (thread, reader) in [(catchUpThread, catchUp), (scanThread, scans)] {
            thread.submit { try? reader.close() }
            await thread.finish()
        }
    }

    /// Watches the file exactly while somebody subscribes and the publisher is elsewhere.
    private func adjust(_ change: (inout State) -> Void) throws(BusError) {
        let refused = state.withLock { state -> BusError? in
            if state.isClosed { return BusError(.closed, "the bus is closed") }
            var next = state
            change(&next)
            if next.subscriptions > 0, !next.hasPublisher, next.watcher == nil {
                do throws(BusError) { next.watcher = try TopicWatcher(paths: paths, hub: hub) } catch { return error }
            }
            state = next
            return nil
        }
        if let refused { throw refused }
    }
}
