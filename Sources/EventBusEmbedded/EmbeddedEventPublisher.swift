package import EventBus
import Logging
import Synchronization
import WorkflowModel

/// The one publisher of a topic file: a writer thread, the topic's lock and its doorbell.
package final class EmbeddedEventPublisher: EventPublisher {
    /// How often retention looks, while events are published; an idle topic stays as it is.
    private static let trimInterval = Duration.seconds(1)

    private let topic: EmbeddedTopic
    private let activity: ActivityFanOut
    private let thread: BlockingThread
    private let writer: TopicWriter
    private let lock: FileLock
    /// nil when the socket could not be made: readers elsewhere then look every 250 ms.
    private let doorbell: DoorbellServer?
    private let checkpointer: TopicCheckpointer
    private let isClosed = Atomic(false)
    private let upkeep = Mutex(Upkeep())

    private struct Upkeep {
        var bytesSinceCheckpoint = 0
        var nextTrim: ContinuousClock.Instant?
    }

    /// Takes the topic over, creating its file when there is none.
    ///
    /// - Throws: `publisherTaken` naming the other process; `corrupt`, `newerSchema` or `configuration` for a file that
    ///   is not this release's topic.
    static func open(topic: EmbeddedTopic, activity: ActivityFanOut) async throws(BusError) -> EmbeddedEventPublisher {
        let thread = try BlockingThread()
        let publisher = try await thread.run { () throws(BusError) in
            try EmbeddedEventPublisher(topic: topic, activity: activity, thread: thread)
        }
        await topic.publisherOpened(nextOffset: publisher.writer.nextOffset)
        return publisher
    }

    private init(topic: EmbeddedTopic, activity: ActivityFanOut, thread: BlockingThread) throws(BusError) {
        let paths = topic.paths
        try Posix.makeDirectory(paths.directory)
        self.topic = topic
        self.activity = activity
        self.thread = thread
        lock = try FileLock(path: paths.lock, taken: .publisherTaken, purpose: "publishing to \(paths.name)")
        writer = try TopicWriter(path: paths.database, retention: topic.configuration.retention)
        checkpointer = try TopicCheckpointer(path: paths.database, logger: topic.logger)
        do throws(BusError) {
            doorbell = try DoorbellServer(directory: paths.directory, name: paths.socketName)
        } catch {
            doorbell = nil
            topic.logger.warning(
                "topic has no doorbell: readers in other processes look every 250 ms",
                metadata: ["topic": "\(paths.name)", "error": "\(error)"])
        }
    }

    package var storesSourcePosition: Bool { true }

    package func sourcePosition() async throws(BusError) -> SourcePosition? {
        let writer = writer
        return try await thread.run { () throws(BusError) in try writer.currentSourcePosition() }
    }

    package func publish(_ batch: [SourcedEvent]) async throws(BusError) {
        guard !batch.isEmpty else { return }
        try check(batch)
        try await thread.run { () throws(BusError) in
            guard let appended = try self.writer.append(batch) else { return }
            self.topic.hub.append(
                firstOffset: appended.firstOffset, events: appended.events, bytes: appended.bytes)
            self.doorbell?.ring()
            self.keepUp(appended.bytes)
        }
    }

    package func publishActivity(_ activity: EncodedActivity) { self.activity.send(activity) }

    package func close() async {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        await checkpointer.close()
        let (writer, logger) = (writer, topic.logger)
        do throws(BusError) {
            try await thread.run { () throws(BusError) in try writer.close() }
        } catch { logger.warning("topic closed badly", metadata: ["error": "\(error)"]) }
        release()
    }

    deinit {
        if !isClosed.load(ordering: .acquiring) { release() }
    }

    private func release() {
        thread.stop()
        doorbell?.stop()
        lock.release()
        topic.publisherClosed()
    }

    private func check(_ batch: [SourcedEvent]) throws(BusError) {
        var before: SourcePosition?
        for sourced in batch {
            let size = sourced.event.bytes.count
            guard size <= topic.configuration.eventBytesMax else {
                throw BusError(
                    .eventTooLarge,
                    "event \(sourced.event.id) has \(size) bytes, the limit is \(topic.configuration.eventBytesMax)")
            }
            // An equal position would be taken for a repetition when a batch is split there.
            if let before, sourced.position <= before {
                throw BusError(.configuration, "the positions of a batch must rise; \(sourced.event.id) does not")
            }
            before = sourced.position
        }
    }

    /// Checkpoints and retention, on the writer thread behind the batch that made them due.
    private func keepUp(_ bytes: Int) {
        let now = ContinuousClock.now
        let (isCheckpointDue, isTrimDue) = upkeep.withLock { upkeep in
            upkeep.bytesSinceCheckpoint += bytes
            let isCheckpointDue = upkeep.bytesSinceCheckpoint >= TopicCheckpointer.intervalBytes
            if isCheckpointDue { upkeep.bytesSinceCheckpoint = 0 }
            let isTrimDue = upkeep.nextTrim.map { now >= $0 } ?? true
            if isTrimDue { upkeep.nextTrim = now + Self.trimInterval }
            return (isCheckpointDue, isTrimDue)
        }
        if isCheckpointDue { checkpointer.request() }
        if checkpointer.takeRestart() { attempt("restart the log") { () throws(BusError) in try writer.restartLog() } }
        if isTrimDue { thread.submit { self.trim() } }
    }

    /// One bounded step, then to the end of the queue: a batch that waits goes between two steps.
    private func trim() {
        guard !isClosed.load(ordering: .acquiring) else { return }
        attempt("trim") { () throws(BusError) in
            if try writer.trim() { thread.submit { self.trim() } }
        }
    }

    private func attempt(_ what: String, _ body: () throws(BusError) -> Void) {
        do throws(BusError) { try body() } catch {
            topic.logger.warning(
                "topic upkeep failed",
                metadata: ["topic": "\(topic.paths.name)", "action": "\(what)", "error": "\(error)"])
        }
    }
}
