import GRDB
import GRDBSQLite
import Glibc
import WorkflowEngine

/// What SQLite answered instead of success.
struct SQLiteFailure: Error, CustomStringConvertible {
    /// The extended result code.
    var code: Int32
    /// `errno` of the call below SQLite that failed; 0 when there was none.
    var systemError: Int32
    var message: String

    init(code: Int32, systemError: Int32 = 0, message: String) {
        self.code = code
        self.systemError = systemError
        self.message = message
    }

    /// The last failure of a connection.
    init(connection: OpaquePointer?, code: Int32) {
        self.code = connection.map { sqlite3_extended_errcode($0) } ?? code
        if self.code == SQLITE_OK || self.code == SQLITE_ROW || self.code == SQLITE_DONE { self.code = code }
        systemError = connection.map { sqlite3_system_errno($0) } ?? 0
        message = connection.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? "no connection"
    }

    /// A row that cannot be what this journal wrote.
    static func malformed(_ what: String) -> SQLiteFailure { SQLiteFailure(code: SQLITE_CORRUPT, message: what) }

    var primaryCode: Int32 { code & 0xFF }
    var description: String { "SQLite \(code): \(message)" }
}

extension JournalError {
    /// Says what a failure below means to a caller of the journal; `path` names the file.
    init(_ error: any Error, doing action: String, path: String) {
        let failure: SQLiteFailure
        switch error {
        case let error as JournalError:
            self = error
            return
        case let error as SQLiteFailure:
            failure = error
        case let error as DatabaseError:
            failure = SQLiteFailure(code: error.extendedResultCode.rawValue, message: error.message ?? "")
        default:
            self.init(.inputOutput, "\(action) failed on \(path)", cause: error)
            return
        }
        // The shared-memory file reports a full disk as an I/O error.
        if failure.primaryCode == SQLITE_FULL || failure.systemError == ENOSPC || failure.systemError == EDQUOT {
            self.init(.diskFull, "the disk is full: \(action) failed on \(path)", cause: failure)
        } else if failure.primaryCode == SQLITE_CORRUPT || failure.primaryCode == SQLITE_NOTADB {
            self.init(.corrupt, "\(path) is damaged or not a journal: \(action) failed", cause: failure)
        } else {
            self.init(.inputOutput, "\(action) failed on \(path)", cause: failure)
        }
    }
}
