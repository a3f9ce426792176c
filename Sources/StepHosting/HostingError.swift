/// Why step hosting could not start.
package struct HostingError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The step host's binary is missing or may not be run.
        case stepHostMissing = "step_host_missing"
        /// The data directory cannot be written.
        case dataDirectory = "data_directory"
        /// The machine gave no thread or descriptor.
        case resources
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
