import EventBus
import GRDB
import Logging
import Synchronization

/// Moves a topic's log into its database from a thread and connection of its own, so that no publisher waits for fsync.
final class TopicCheckpointer: Sendable {
    /// Appended bytes between two checkpoints.
    static let intervalBytes = 4 << 20
    /// Pages of the log beyond which the writer itself restarts it: steady writing can keep a passive checkpoint from
    /// ever finishing, and the log would grow without end. 64 MiB.
    static let logPagesMax = 16_384

    private let path: String
    private let logger: Logger
    private let thread: BlockingThread
    private let connection = Mutex<DatabaseQueue?>(nil)
    private let isRequested = Atomic(false)
    private let wantsRestart = Atomic(false)

    init(path: String, logger: Logger) throws(BusError) {
        self.path = path
        self.logger = logger
        thread = try BlockingThread()
    }

    func request() {
        guard !isRequested.exchange(true, ordering: .acquiringAndReleasing) else { return }
        thread.submit { self.checkpoint() }
    }

    /// Whether the writer should restart the log now; answers yes once.
    func takeRestart() -> Bool { wantsRestart.exchange(false, ordering: .acquiringAndReleasing) }

    func close() async {
        try? await thread.run { () throws(BusError) in
            let queue = self.connection.withLock { connection in
                defer { connection = nil }
                return connection
            }
            try DatabaseFile.translating(self.path) { try queue?.close() }
        }
        thread.stop()
    }

    private func checkpoint() {
        isRequested.store(false, ordering: .releasing)
        do throws(BusError) {
            let queue = try open()
            let logPages = try DatabaseFile.translating(path) {
                try queue.writeWithoutTransaction { database in
                    try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(PASSIVE)").map { $0[1] as Int } ?? 0
                }
            }
            if logPages > Self.logPagesMax { wantsRestart.store(true, ordering: .releasing) }
        } catch {
            logger.warning("topic checkpoint failed", metadata: ["path": "\(path)", "error": "\(error)"])
        }
    }

    private func open() throws(BusError) -> DatabaseQueue {
        if let queue = connection.withLock({ $0 }) { return queue }
        let queue = try DatabaseFile.openWriter(
            path: path, kind: TopicSchema.kind, durability: .normal, mode: Posix.topicMode,
            automaticCheckpoints: false)
        connection.withLock { $0 = queue }
        return queue
    }
}
