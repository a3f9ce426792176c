import GRDB
import GRDBSQLite
import Logging
import WorkflowEngine

/// Carries the write-ahead log into the file from a thread and a connection of its own.
///
/// Beside the writer a checkpoint never reaches the end of a log that grows meanwhile, and only a log that was carried
/// whole begins anew, over the blocks it has (see `LogAllocation`). So most is carried beside the writer, which then
/// pauses between two transactions while the rest is.
// SAFETY: `connection` is used by the checkpoint thread alone; everything else is behind the monitor.
final class Checkpointer: @unchecked Sendable {
    private struct State {
        /// Pages in the log after the last commit.
        var walPages = 0
        /// Pages in the log when the next checkpoint is due.
        var dueAtPages: Int
        /// Something was committed since the last whole checkpoint.
        var isDirty = false
        var lastCommit = MonotonicTime(nanoseconds: 0)
        var isInTransaction = false
        var wantsPause = false
        var isStopped = false
    }

    private enum Order { case checkpoint, stop }

    private let monitor: Monitor<State>
    private let connection: DatabaseQueue
    private let limits: JournalConfiguration.Checkpoints
    private let logger: Logger

    /// A journal at rest this long carries what is left in the log, so that the next start has less to recover.
    private static let idleMilliseconds: Int64 = 1_000

    init(connection: DatabaseQueue, limits: JournalConfiguration.Checkpoints, logger: Logger) {
        self.connection = connection
        self.limits = limits
        self.logger = logger
        monitor = Monitor(State(dueAtPages: limits.walPages))
    }

    // MARK: The writer's side

    /// Has SQLite report the log's length after each commit of the writer's connection.
    func watch(_ database: Database) {
        // SAFETY: the writer, whose connection calls back, keeps this object alive until it has closed it.
        sqlite3_wal_hook(database.sqliteConnection, { context, _, _, pages in
            guard let context else { return SQLITE_OK }
            Unmanaged<Checkpointer>.fromOpaque(context).takeUnretainedValue().committed(walPages: Int(pages))
            return SQLITE_OK
        }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Blocks while a checkpoint asked for a pause.
    func transactionBegins() {
        _ = monitor.wait { state -> Void? in
            if state.wantsPause { return nil }
            state.isInTransaction = true
            return ()
        }
    }

    func transactionEnded() {
        let someoneWaits = monitor.withLock { state in
            state.isInTransaction = false
            return state.wantsPause || state.walPages >= state.dueAtPages
        }
        if someoneWaits { monitor.signal() }
    }

    private func committed(walPages: Int) {
        let isFirst = monitor.withLock { state in
            // The log began anew.
            if walPages < state.walPages { state.dueAtPages = limits.walPages }
            defer { state.isDirty = true }
            state.walPages = walPages
            state.lastCommit = .now
            return !state.isDirty
        }
        // From rest, the thread has to set its deadline.
        if isFirst { monitor.signal() }
    }

    // MARK: The thread's side

    func stop() {
        monitor.withLock { $0.isStopped = true }
        monitor.signal()
    }

    func run() {
        while order() != .stop { checkpoint() }
        checkpointWhole(.truncate)
        do {
            try connection.close()
        } catch {
            logger.warning("closing the journal failed", metadata: ["error": "\(error)"])
        }
    }

    private func order() -> Order {
        func idleEnd(_ state: State) -> MonotonicTime? {
            state.isDirty ? state.lastCommit.advanced(byMilliseconds: Self.idleMilliseconds) : nil
        }
        while true {
            let order: Order? = monitor.wait(until: idleEnd) { state in
                if state.isStopped { return .stop }
                if state.walPages >= state.dueAtPages { return .checkpoint }
                if let end = idleEnd(state), end <= .now { return .checkpoint }
                return nil
            }
            if let order { return order }
        }
    }

    private func checkpoint() {
        let isFull = monitor.withLock { state in
            // Cleared before, so that a commit meanwhile counts.
            state.isDirty = false
            defer { state.dueAtPages = state.walPages + limits.walPages }
            return state.walPages >= state.dueAtPages
        }
        checkpointWhole(.passive)
        // At rest the passive one reaches the end.
        guard isFull else { return }
        monitor.withLock { $0.wantsPause = true }
        _ = monitor.wait { $0.isInTransaction ? nil : () }
        // Waits shortly for readers of the old log, too; those that come now read the file alone.
        checkpointWhole(.restart)
        monitor.withLock { $0.wantsPause = false }
        monitor.signal()
    }

    private func checkpointWhole(_ mode: Database.CheckpointMode) {
        do {
            try connection.inDatabase { _ = try $0.checkpoint(mode) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED
        {
            // A reader holds on to the log; the next checkpoint gets further.
        } catch {
            logger.warning("a checkpoint of the journal failed", metadata: ["error": "\(error)"])
        }
    }
}
