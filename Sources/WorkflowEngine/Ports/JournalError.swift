/// Why the journal could not do what it was asked.
package struct JournalError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// Another record was appended first; read again and decide anew.
        case versionConflict = "version_conflict"
        /// Somebody else took the shard over; this process must stop appending.
        case staleLease = "stale_lease"
        case idempotencyKeyTaken = "idempotency_key_taken"
        /// Another process holds the journal.
        case locked = "journal_locked"
        /// The disk is full; nothing committed is lost, and appending may work again later.
        case diskFull = "disk_full"
        /// The file is not where it was: the data directory was removed or moved, and what is appended would be lost.
        case moved = "journal_moved"
        /// The file is damaged or not a journal of ours.
        case corrupt = "journal_corrupt"
        /// The file was written by a newer version.
        case newerSchema = "journal_newer"
        /// The outcome is unknown: it may or may not be durable. Read the execution again.
        case unknownOutcome = "unknown_outcome"
        case closed
        case inputOutput = "io_error"
    }

    package var code: Code
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// Whether the same call may succeed later without anybody's help.
    package var isRetryable: Bool { code == .diskFull || code == .inputOutput }

    package var description: String { "\(code.rawValue): \(message)" + (cause.map { " (\($0))" } ?? "") }
}
