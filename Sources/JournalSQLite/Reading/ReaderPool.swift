import GRDB
import Logging
import WorkflowEngine

/// A few connections, each on a thread of its own, that run reads; every read sees one committed state.
final class ReaderPool: Sendable {
    /// Runs on a reader's thread and answers its task by itself.
    typealias Job = @Sendable (Result<Database, JournalError>) -> Void

    private let queue: WorkQueue<Job>
    private let file: JournalFile
    private let identity: FileIdentity

    /// - Parameter identity: of the file that the writer has open.
    init(file: JournalFile, identity: FileIdentity, waitingMax: Int) {
        self.file = file
        self.identity = identity
        queue = WorkQueue(capacity: waitingMax)
    }

    /// Runs `body` inside a read transaction.
    func read<Value: Sendable>(
        _ action: String, _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(JournalError) -> Value {
        let closed = JournalError(.closed, "the journal is closed")
        guard await queue.reserve() else { throw closed }
        let file = file
        let result: Result<Value, JournalError> = await withCheckedContinuation { continuation in
            let isTaken = queue.put { database in
                do {
                    let database = try database.get()
                    continuation.resume(returning: .success(try Self.snapshot(database, body)))
                } catch {
                    continuation.resume(returning: .failure(JournalError(error, doing: action, path: file.path)))
                }
            }
            if !isTaken { continuation.resume(returning: .failure(closed)) }
        }
        return try result.get()
    }

    /// The thread's life. The connection is opened by the first read: an idle one costs memory.
    func run(number: Int) {
        var connection: DatabaseQueue?
        while case .jobs(let jobs) = queue.take(while: { _ in false }) {
            for job in jobs {
                do {
                    let open: DatabaseQueue
                    if let connection { open = connection } else {
                        // Opening would make a new file where this one was.
                        try identity.check(at: file.path)
                        open = try file.openReader(number)
                    }
                    connection = open
                    open.inDatabase { job(.success($0)) }
                } catch {
                    job(.failure(JournalError(error, doing: "opening", path: file.path)))
                }
            }
        }
        try? connection?.close()
    }

    func close() { queue.close() }

    private static func snapshot<Value>(_ database: Database, _ body: (Database) throws -> Value) throws -> Value {
        try database.run("BEGIN")
        defer { try? database.run("ROLLBACK") }
        return try body(database)
    }
}
