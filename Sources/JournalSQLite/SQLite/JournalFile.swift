import GRDB
import Glibc
import WorkflowEngine

/// Where a journal's file is and how its connections are opened.
struct JournalFile: Sendable {
    var path: String

    /// - Parameter place: a data directory, made when missing, or a file ending in `.sqlite`.
    init(at place: String) throws(JournalError) {
        if place.hasSuffix(".sqlite") {
            path = place
        } else {
            path = place.hasSuffix("/") ? place + "journal.sqlite" : place + "/journal.sqlite"
        }
        try Self.makeDirectory(directory)
    }

    var directory: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    var lockPath: String { directory + "/orchestrator.lock" }

    /// The one connection that writes, upgraded and with every commit synced.
    func openWriter(_ configuration: JournalConfiguration) throws -> DatabaseQueue {
        keepPrivate()
        let connection = try open(label: "journal-writer", busyTimeoutSeconds: 5)
        try connection.inDatabase { database in
            // The header is judged before the first write, which may be into somebody else's file.
            let version = try JournalSchema.version(of: database, path: path)
            let mode = try SQLStatement(database, "PRAGMA journal_mode = WAL").firstRow { $0.text(0) }
            guard mode == "wal" else {
                throw JournalError(.inputOutput, "\(path) cannot have a write-ahead log: is it on a network drive?")
            }
            try database.execute(sql: "PRAGMA synchronous = FULL")
            guard try database.integer("PRAGMA synchronous") == 2 else {
                throw JournalError(.inputOutput, "\(path) did not take synchronous = FULL")
            }
            // What the log keeps on disk once it begins anew.
            try database.run("PRAGMA journal_size_limit = \(configuration.checkpoints.allocatedBytes)")
            try database.run("PRAGMA cache_size = -8192")
            try JournalSchema.upgrade(database, from: version)
        }
        LogAllocation.extend(path: path + "-wal", bytes: configuration.checkpoints.allocatedBytes)
        return connection
    }

    /// Only its owner reads a journal, whatever the directory and the umask allow; SQLite gives the log and its index
    /// the rights of the file. A file that is there is never opened and closed here: that would drop SQLite's locks on
    /// it.
    private func keepPrivate() {
        let file = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if file >= 0 {
            close(file)
            return
        }
        for suffix in ["", "-wal", "-shm"] { _ = chmod(path + suffix, 0o600) }
    }

    func openReader(_ number: Int) throws -> DatabaseQueue {
        // Not opened read-only: such a connection cannot make the log's index file when it is missing.
        let connection = try open(label: "journal-reader-\(number)", busyTimeoutSeconds: 5)
        try connection.inDatabase { try $0.execute(sql: "PRAGMA query_only = ON") }
        return connection
    }

    func openCheckpointer() throws -> DatabaseQueue {
        try open(label: "journal-checkpoints", busyTimeoutSeconds: 0.05)
    }

    private func open(label: String, busyTimeoutSeconds: Double) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = label
        configuration.busyMode = .timeout(busyTimeoutSeconds)
        configuration.foreignKeysEnabled = false
        // The writer's transactions are driven by prepared statements.
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { database in
            // Checkpoints have a connection of their own.
            try database.run("PRAGMA wal_autocheckpoint = 0")
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private static func makeDirectory(_ directory: String) throws(JournalError) {
        var status = stat()
        if stat(directory, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw JournalError(.inputOutput, "\(directory) is not a directory")
            }
            return
        }
        if let slash = directory.lastIndex(of: "/"), slash != directory.startIndex {
            try makeDirectory(String(directory[..<slash]))
        }
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw JournalError(.inputOutput, "cannot make \(directory): \(String(cString: strerror(errno)))")
        }
    }
}

/// Which file a path names, whatever is done to the path later.
struct FileIdentity: Hashable {
    private let device: dev_t
    private let inode: ino_t

    init(of path: String) throws(JournalError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw JournalError(.inputOutput, "\(path): \(String(cString: strerror(errno)))")
        }
        (device, inode) = (status.st_dev, status.st_ino)
    }

    /// - Throws: `moved` when the path names no file any more, or another one.
    func check(at path: String) throws(JournalError) {
        guard isStill(at: path) else {
            throw JournalError(.moved, "\(path) was removed or moved; put it back and start again")
        }
    }

    /// False when the path names no file any more, or another one.
    func isStill(at path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return errno != ENOENT && errno != ENOTDIR }
        return status.st_dev == device && status.st_ino == inode
    }
}
