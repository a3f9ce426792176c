/// Why the bus could not do what it was asked.
package struct BusError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The bus cannot be reached or is overloaded now.
        case unavailable = "bus_unavailable"
        case diskFull = "disk_full"
        /// Another process publishes to this topic.
        case publisherTaken = "publisher_taken"
        /// Another process is the one member of this group.
        case groupTaken = "group_taken"
        case corrupt = "topic_corrupt"
        /// The topic's file is not where it was.
        case moved = "topic_moved"
        case newerSchema = "topic_newer"
        case eventTooLarge = "event_too_large"
        case configuration = "bus_configuration"
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
    package var isRetryable: Bool { code == .unavailable || code == .diskFull || code == .inputOutput }

    package var description: String { "\(code.rawValue): \(message)" + (cause.map { " (\($0))" } ?? "") }
}
