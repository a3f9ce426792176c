/// Why a listener cannot be set up.
package struct WebServingError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// A bind address beyond loopback without tokens and without `--insecure`.
        case insecureBind = "insecure_bind"
        /// The address is in use or cannot be bound.
        case bindFailed = "bind_failed"
    }

    package var code: Code
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { "\(code.rawValue): \(message)" + (cause.map { " (\($0))" } ?? "") }
}
