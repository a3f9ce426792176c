import GRDB
import GRDBSQLite

/// A prepared statement driven through SQLite's own calls: binding and stepping cost no allocation of ours.
///
/// GRDB prepares it, caches it and finalizes it with the connection. Used only inside an access to that connection.
struct SQLStatement {
    private let owner: Statement
    private let handle: OpaquePointer

    /// - Parameter sql: one statement; the text is the key of the connection's cache.
    init(_ database: Database, _ sql: String) throws {
        owner = try database.cachedStatement(sql: sql)
        handle = owner.sqliteStatement
    }

    // Binding; parameters count from 1. SQLite copies texts and blobs.

    func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(handle, index, value) }
    func bind(_ index: Int32, _ value: Int) { sqlite3_bind_int64(handle, index, Int64(value)) }
    func bind(_ index: Int32, _ value: Bool) { sqlite3_bind_int64(handle, index, value ? 1 : 0) }
    func bindNull(_ index: Int32) { sqlite3_bind_null(handle, index) }

    func bind(_ index: Int32, _ value: Int64?) {
        if let value { bind(index, value) } else { bindNull(index) }
    }

    func bind(_ index: Int32, _ value: String?) {
        guard var value else { return bindNull(index) }
        value.withUTF8 { bytes in
            let start = bytes.baseAddress.map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) }
            // A null pointer would bind NULL.
            _ = sqlite3_bind_text(handle, index, start ?? Self.nothing, Int32(bytes.count), Self.transient)
        }
    }

    func bind(_ index: Int32, _ value: [UInt8]) {
        value.withUnsafeBufferPointer { bytes in
            // Without a pointer SQLite would bind NULL. 64 bits: a length that does not fit is refused, not wrapped.
            _ = bytes.isEmpty
                ? sqlite3_bind_zeroblob(handle, index, 0)
                : sqlite3_bind_blob64(handle, index, bytes.baseAddress, UInt64(bytes.count), Self.transient)
        }
    }

    // Stepping.

    /// True when a row stands ready, false at the end; the statement is reset at the end and by a failure.
    func step() throws(SQLiteFailure) -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        if code == SQLITE_DONE {
            sqlite3_reset(handle)
            return false
        }
        let failure = SQLiteFailure(connection: sqlite3_db_handle(handle), code: code)
        sqlite3_reset(handle)
        throw failure
    }

    /// Runs a statement that gives no rows, or whose rows do not matter.
    func run() throws(SQLiteFailure) {
        while try step() {}
    }

    /// Calls `body` for every row.
    func forEachRow(_ body: (SQLStatement) throws -> Void) throws {
        defer { sqlite3_reset(handle) }
        while try step() { try body(self) }
    }

    /// The first row as `body` reads it; nil when there is none.
    func firstRow<Value>(_ body: (SQLStatement) throws -> Value) throws -> Value? {
        defer { sqlite3_reset(handle) }
        return try step() ? try body(self) : nil
    }

    // Columns of the current row; they count from 0.

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    func blob(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    /// `SQLITE_TRANSIENT`, a macro that is not imported: SQLite copies before the call returns.
    // SAFETY: SQLite defines this value as the destructor that means "copy" and never calls it.
    private static var transient: sqlite3_destructor_type {
        unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }

    /// The empty text.
    // SAFETY: the pointer of a static string lives as long as the process.
    private static var nothing: UnsafePointer<CChar> {
        let empty: StaticString = ""
        return UnsafeRawPointer(empty.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}

extension Database {
    /// The whole number a pragma or query gives in its first row.
    func integer(_ sql: String) throws -> Int64? {
        try SQLStatement(self, sql).firstRow { $0.integer(0) }
    }

    func run(_ sql: String) throws {
        try SQLStatement(self, sql).run()
    }
}
