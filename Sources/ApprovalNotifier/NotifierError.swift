/// Why the notifier could not do something.
struct NotifierError: Error, Sendable, CustomStringConvertible {
    enum Code: String, Sendable {
        /// An event of an approval that cannot be read.
        case event = "event_unreadable"
        /// What the notifier's own store holds cannot be read.
        case store = "store_unreadable"
        /// A receiver's address is one that the settings do not allow.
        case address = "address_refused"
        /// A receiver's name has no address now.
        case name = "name_unresolved"
    }

    var code: Code
    var message: String
    var cause: (any Error)?

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    var description: String { "\(code.rawValue): \(message)" + (cause.map { " (\($0))" } ?? "") }
}
