import GRDB
import GRDBSQLite
import Logging
import Synchronization
import WorkflowEngine
import WorkflowModel

/// The one writer: takes whatever waits, makes one transaction of it, tells the tap, answers.
// SAFETY: after `init` everything but `tap`, `queue` and `published` is used by the writer's thread alone.
final class JournalWriter: @unchecked Sendable {
    /// A closure held by a generic type as it is would gain a reabstraction thunk with every access; a struct does not.
    struct Tap: Sendable {
        var call: @Sendable ([CommittedEvent]) -> Void
    }

    let queue: WorkQueue<WriterJob>
    let published: PublishedPosition
    let tap = Mutex<Tap?>(nil)

    let file: JournalFile
    /// The file that is open, whatever lies at its path by now.
    let identity: FileIdentity
    private let configuration: JournalConfiguration
    private let checkpointer: Checkpointer
    private let logger: Logger
    private let connection: DatabaseQueue
    private var statements: WriterStatements?
    private var state: CommittedState
    private var cache: ExecutionCache
    private var claimsUntilPurge = 0
    private var isFailing = false

    /// Every how many keys old ones are looked for, and how many are removed at a time: it keeps up.
    private static let claimsBetweenPurges = 128, purgedKeysMax = 512

    init(
        file: JournalFile, configuration: JournalConfiguration, connection: DatabaseQueue, checkpointer: Checkpointer,
        logger: Logger
    ) throws {
        self.file = file
        identity = try FileIdentity(of: file.path)
        self.configuration = configuration
        self.connection = connection
        self.checkpointer = checkpointer
        self.logger = logger
        queue = WorkQueue(capacity: configuration.waitingAppendsMax)
        cache = ExecutionCache(countMax: configuration.cachedExecutionsMax)
        let (state, stored, statements) = try connection.inDatabase { database in
            (
                try CommittedState(database),
                try SQLStatement(database, "SELECT published_position FROM shard WHERE shard = 0")
                    .firstRow { $0.optionalInteger(0) } ?? nil,
                try WriterStatements(database)
            )
        }
        self.state = state
        self.statements = statements
        published = PublishedPosition(
            stored: stored.map { JournalPosition(rawValue: $0) }, epoch: state.epoch)
        connection.inDatabase { checkpointer.watch($0) }
    }

    /// The thread's life, until the queue is closed and empty.
    func run() {
        while true {
            var requests = 0
            var bytes = 0
            let taken = queue.take(until: published.storeAt) { job in
                requests += job.requestCount
                bytes += job.byteCount
                return requests <= configuration.batch.requestsMax && bytes <= configuration.batch.bytesMax
            }
            switch taken {
            case .jobs(let jobs): commit(jobs, isClosing: false)
            case .nothing: commit([], isClosing: false)
            case .ended:
                commit([], isClosing: true)
                statements = nil
                do {
                    try connection.close()
                } catch {
                    logger.warning("closing the journal failed", metadata: ["error": "\(error)"])
                }
                return
            }
        }
    }

    // MARK: One transaction

    /// A job and what it will be told once the transaction is committed.
    private typealias Answer = @Sendable () -> Void

    private func commit(_ jobs: [WriterJob], isClosing: Bool) {
        let now = MonotonicTime.now
        let position = published.due(at: now, isClosing: isClosing)
        guard !jobs.isEmpty || position != nil, let statements else { return }
        do throws(JournalError) { try identity.check(at: file.path) } catch {
            published.postponed(at: now)
            if !isFailing { logger.critical("the journal is gone", metadata: ["error": "\(error)"]) }
            isFailing = true
            for job in jobs { job.fail(error) }
            return
        }
        checkpointer.transactionBegins()
        var batch = WriteBatch(statements, state)
        let outcome = connection.inDatabase { database in
            transact(jobs, position, &batch, database)
        }
        checkpointer.transactionEnded()

        switch outcome {
        case .success(let answers):
            state = batch.state
            for (execution, entry) in batch.changed { cache.update(entry, for: execution) }
            if let position { published.stored(position, at: now) }
            published.epochRose(to: state.epoch)
            if !batch.events.isEmpty { tap.withLock { $0 }?.call(batch.events) }
            for answer in answers { answer() }
            if isFailing { logger.notice("the journal takes appends again") }
            isFailing = false
        case .failure(let error):
            published.postponed(at: now)
            if !isFailing { logger.error("the journal cannot append", metadata: ["error": "\(error)"]) }
            isFailing = true
            for job in jobs { job.fail(error) }
        }
    }

    private func transact(
        _ jobs: [WriterJob], _ position: JournalPosition?, _ batch: inout WriteBatch, _ database: Database
    ) -> Result<[Answer], JournalError> {
        var answers: [Answer] = []
        answers.reserveCapacity(jobs.count)
        do {
            try batch.statements.begin.run()
            for job in jobs { answers.append(try run(job, &batch)) }
            if let position { try batch.setPublished(position) }
        } catch {
            rollBack(database, batch.statements)
            return .failure(JournalError(error, doing: "appending", path: file.path))
        }
        do {
            try batch.statements.commit.run()
            return .success(answers)
        } catch {
            rollBack(database, batch.statements)
            let known = JournalError(error, doing: "committing", path: file.path)
            // The commit mark is the last page written to the log: without room for it nothing was committed. After
            // any other failure, such as that of the sync, the log may hold the whole transaction, and a process that
            // starts now would find it. The next transaction writes over it.
            if known.code == .diskFull { return .failure(known) }
            return .failure(
                JournalError(.unknownOutcome, "a commit failed on \(file.path); it may be durable", cause: known))
        }
    }

    /// SQLite may have rolled back by itself.
    private func rollBack(_ database: Database, _ statements: WriterStatements) {
        guard let handle = database.sqliteConnection, sqlite3_get_autocommit(handle) == 0 else { return }
        do {
            try statements.rollback.run()
        } catch {
            logger.error("rolling the journal back failed", metadata: ["error": "\(error)"])
        }
    }

    /// - Throws: what makes the whole transaction fail; a refusal is an answer.
    private func run(_ job: WriterJob, _ batch: inout WriteBatch) throws -> Answer {
        switch job {
        case .append(let requests, let lease, let waiting):
            var results: [Result<AppendReceipt, JournalError>] = []
            results.reserveCapacity(requests.count)
            for request in requests {
                results.append(
                    try Self.refusable {
                        try batch.check(lease)
                        return try batch.append(request, cache: &cache)
                    })
                if case .success = results[results.count - 1], let claim = request.idempotency {
                    try purgeKeys(&batch, now: claim.at)
                }
            }
            let answered = results
            return { waiting.resume(returning: answered) }
        case .acquireLease(let shard, let waiting):
            let result = try Self.refusable { try batch.acquireLease(shard: shard) }
            return { waiting.resume(returning: result) }
        case .putDefinition(let draft, let lease, let waiting):
            let result = try Self.refusable {
                try batch.check(lease)
                return try batch.putDefinition(draft)
            }
            return { waiting.resume(returning: result) }
        case .deleteDefinition(let name, let lease, let waiting):
            let result = try Self.refusable {
                try batch.check(lease)
                return try batch.deleteDefinition(named: name)
            }
            return { waiting.resume(returning: result) }
        }
    }

    private func purgeKeys(_ batch: inout WriteBatch, now: Timestamp) throws {
        claimsUntilPurge -= 1
        guard claimsUntilPurge < 0 else { return }
        claimsUntilPurge = Self.claimsBetweenPurges
        try batch.purgeKeys(now: now, countMax: Self.purgedKeysMax)
    }

    private static func refusable<Value>(_ body: () throws -> Value) throws -> Result<Value, JournalError> {
        do {
            return .success(try body())
        } catch let error as JournalError {
            return .failure(error)
        }
    }
}
