import EventBus
import GRDB
import GRDBSQLite
import WorkflowModel

/// Inserts events through SQLite's own calls: values that GRDB would box one by one are bound where they lie.
///
/// Used only inside an access to the connection whose statement it is.
struct EventInsert {
    static let sql = """
        INSERT INTO event (offset, execution, sequence, type, workflow, time, final, appended_at, traceparent, bytes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        """

    private let owner: Statement
    private let handle: OpaquePointer

    /// - Parameter statement: prepared from `sql`.
    init(_ statement: Statement) {
        owner = statement
        handle = statement.sqliteStatement
    }

    /// - Throws: `DatabaseError` as GRDB would.
    func run(_ event: EncodedEvent, offset: Int64, appendedAt: Int64) throws {
        sqlite3_bind_int64(handle, 1, offset)
        bind(2, event.executionID.bytes)
        sqlite3_bind_int64(handle, 3, Int64(event.sequence))
        bind(4, event.type)
        bind(5, event.workflow)
        sqlite3_bind_int64(handle, 6, event.time.microseconds)
        sqlite3_bind_int64(handle, 7, event.isFinal ? 1 : 0)
        sqlite3_bind_int64(handle, 8, appendedAt)
        if let traceparent = event.traceparent { bind(9, traceparent) } else { sqlite3_bind_null(handle, 9) }
        bind(10, event.bytes)
        let code = sqlite3_step(handle)
        sqlite3_reset(handle)
        guard code == SQLITE_DONE else {
            let message = sqlite3_errmsg(sqlite3_db_handle(handle)).map { String(cString: $0) }
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: Self.sql)
        }
    }

    private func bind(_ index: Int32, _ value: [UInt8]) {
        value.withUnsafeBufferPointer {
            _ = sqlite3_bind_blob64(handle, index, $0.baseAddress, UInt64($0.count), Self.transient)
        }
    }

    private func bind(_ index: Int32, _ value: String) {
        var value = value
        value.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                _ = sqlite3_bind_text(handle, index, $0.baseAddress, Int32($0.count), Self.transient)
            }
        }
    }

    /// `SQLITE_TRANSIENT`, a macro that is not imported: SQLite copies before the call returns.
    // SAFETY: SQLite defines this value as the destructor that means "copy" and never calls it.
    private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}
