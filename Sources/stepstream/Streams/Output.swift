import Glibc
import WorkflowModel

/// What a command prints. Every write is checked and whole: output that was lost is an error, not a shorter output.
///
/// Text for people is escaped here, line by line, since it may hold what anybody wrote; data for programs is not.
enum Output {
    /// Lines for people.
    /// - Throws: `OutputError`.
    static func text(_ lines: [String]) throws(OutputError) {
        try data(Array(lines.map { VisibleText.escaped($0) + "\n" }.joined().utf8))
    }

    static func text(_ line: String) throws(OutputError) { try text([line]) }

    /// One JSON value, such as a server's answer.
    static func json(_ value: JSONValue) throws(OutputError) { try data(value.encoded + [0x0A]) }

    static func data(_ bytes: [UInt8]) throws(OutputError) {
        try Descriptor.write(bytes, to: STDOUT_FILENO, named: "standard output")
    }

    /// A message beside the output, on standard error; several lines are shown as such.
    ///
    /// That standard error cannot be written to is not worth failing for, and there is no place left to say it.
    static func notice(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { VisibleText.escaped(String($0)) }
        try? Descriptor.write(
            Array((lines.joined(separator: "\n") + "\n").utf8), to: STDERR_FILENO, named: "standard error")
    }
}

/// Why output was lost.
enum OutputError: Error, CustomStringConvertible {
    /// Nobody reads on, such as `head` that has its lines. The command ends like one that SIGPIPE killed.
    case closed
    case failed(place: String, errno: Int32)

    var description: String {
        switch self {
        case .closed: "nobody reads the output any more"
        case .failed(let place, let code): "\(place) cannot be written: \(Platform.text(ofErrno: code))"
        }
    }
}

extension OutputError: ExitStatusError {
    var exitStatus: ExitStatus { .failed }
}
