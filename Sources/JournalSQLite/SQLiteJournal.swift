import GRDB
package import Logging
import Synchronization
package import WorkflowEngine
import WorkflowModel

/// The durable journal on one machine: an SQLite file that one process writes.
///
/// Three kinds of threads, none of the cooperative pool: the writer, which makes one synced transaction of whatever
/// waits; a few readers; and one for checkpoints. Figures and limits are in `JournalConfiguration`.
package final class SQLiteJournal: Journal {
    private let writer: JournalWriter
    let readers: ReaderPool
    let configuration: JournalConfiguration
    private let checkpointer: Checkpointer
    private let lock: DirectoryLock
    private let writerThread: BlockingThread
    private let checkpointThread: BlockingThread
    private let readerThreads: [BlockingThread]

    /// Opens the journal, making or upgrading the file. Blocks for some milliseconds.
    ///
    /// - Parameter place: a data directory, which then holds `journal.sqlite`, or a file ending in `.sqlite`. Beside it
    ///   lies `orchestrator.lock`.
    /// - Throws: `locked` when another process has it, `newerSchema`, `corrupt`, `diskFull`, `inputOutput`.
    package init(
        at place: String, configuration: JournalConfiguration = JournalConfiguration(),
        logger: Logger = Logger(label: "stepstream.journal")
    ) throws(JournalError) {
        let file = try JournalFile(at: place)
        let lock = try DirectoryLock(path: file.lockPath)
        let checkpointer: Checkpointer
        let writer: JournalWriter
        do {
            let connection = try file.openWriter(configuration)
            checkpointer = Checkpointer(
                connection: try file.openCheckpointer(), limits: configuration.checkpoints, logger: logger)
            writer = try JournalWriter(
                file: file, configuration: configuration, connection: connection, checkpointer: checkpointer,
                logger: logger)
        } catch {
            throw JournalError(error, doing: "opening", path: file.path)
        }
        let readers = ReaderPool(file: file, identity: writer.identity, waitingMax: configuration.waitingReadsMax)
        // Each thread keeps the lock: the directory is given up when the last one has ended.
        let writerThread = BlockingThread.start("journal-write") { withExtendedLifetime(lock) { writer.run() } }
        let checkpointThread = BlockingThread.start("journal-check") {
            withExtendedLifetime(lock) { checkpointer.run() }
        }
        let readerThreads = (1...max(1, configuration.readers)).map { number in
            BlockingThread.start("journal-read-\(number)") { readers.run(number: number) }
        }
        guard let writerThread, let checkpointThread, readerThreads.allSatisfy({ $0 != nil }) else {
            writer.queue.close()
            readers.close()
            checkpointer.stop()
            throw JournalError(.inputOutput, "the system gives no more threads")
        }
        self.writer = writer
        self.readers = readers
        self.configuration = configuration
        self.checkpointer = checkpointer
        self.lock = lock
        self.writerThread = writerThread
        self.checkpointThread = checkpointThread
        self.readerThreads = readerThreads.compactMap { $0 }
    }

    deinit {
        writer.queue.close()
        readers.close()
        checkpointer.stop()
    }

    package func close() async {
        writer.queue.close()
        await writerThread.ended()
        readers.close()
        for thread in readerThreads { await thread.ended() }
        checkpointer.stop()
        await checkpointThread.ended()
        lock.release()
    }

    package func check() async throws(JournalError) { try writer.identity.check(at: writer.file.path) }

    // MARK: Writing

    package func append(
        _ requests: [AppendRequest], lease: JournalLease
    ) async -> [Result<AppendReceipt, JournalError>] {
        if requests.isEmpty { return [] }
        let closed = Array(repeating: Result<AppendReceipt, JournalError>.failure(Self.closed), count: requests.count)
        guard await writer.queue.reserve() else { return closed }
        return await withCheckedContinuation { continuation in
            if !writer.queue.put(.append(requests, lease, continuation)) { continuation.resume(returning: closed) }
        }
    }

    package func acquireLease(shard: Int) async throws(JournalError) -> JournalLease {
        try await write { .acquireLease(shard: shard, $0) }
    }

    package func putDefinition(
        _ definition: StoredDefinition.Draft, lease: JournalLease
    ) async throws(JournalError) -> StoredDefinition {
        try await write { .putDefinition(definition, lease, $0) }
    }

    package func deleteDefinition(named name: String, lease: JournalLease) async throws(JournalError) -> Bool {
        try await write { .deleteDefinition(name: name, lease, $0) }
    }

    package func setCommitTap(_ tap: (@Sendable ([CommittedEvent]) -> Void)?) {
        writer.tap.withLock { $0 = tap.map { JournalWriter.Tap(call: $0) } }
    }

    package func publishedPosition(shard: Int) async throws(JournalError) -> JournalPosition? {
        if writer.queue.isClosed { throw Self.closed }
        return shard == 0 ? writer.published.current : nil
    }

    package func notePublished(_ position: JournalPosition, lease: JournalLease) async {
        if writer.published.note(position, lease: lease) { writer.queue.nudge() }
    }

    private func write<Value: Sendable>(
        _ job: (WriterJob.Waiting<Value>) -> WriterJob
    ) async throws(JournalError) -> Value {
        guard await writer.queue.reserve() else { throw Self.closed }
        let result: Result<Value, JournalError> = await withCheckedContinuation { continuation in
            if !writer.queue.put(job(continuation)) { continuation.resume(returning: .failure(Self.closed)) }
        }
        return try result.get()
    }

    private static let closed = JournalError(.closed, "the journal is closed")
}
