import Glibc
import WorkflowModel

/// Where the output of a run goes.
struct OutputFile {
    let path: String

    /// Whether it shares standard output with whatever else the command prints.
    var isStandardOutput: Bool { ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].contains(path) }

    /// Why nothing can be written there, as far as that can be known without touching the file; nil when it can.
    var fault: String? {
        if isStandardOutput { return nil }
        if path.isEmpty { return "the name of the file is empty" }
        if Platform.isDirectory(path) { return "\(path) cannot be written: \(Platform.text(ofErrno: EISDIR))" }
        if access(path, W_OK) == 0 { return nil }
        guard errno == ENOENT else { return "\(path) cannot be written: \(Platform.text(ofErrno: errno))" }
        let directory = path.lastIndex(of: "/").map { path[...$0] } ?? "."
        guard access(String(directory), W_OK | X_OK) != 0 else { return nil }
        return "\(path) cannot be written: \(Platform.text(ofErrno: errno))"
    }

    /// Writes a string as its text, anything else as JSON. A file is touched by nothing but a whole run's output.
    func write(_ output: JSONValue) throws {
        let bytes = output.stringValue.map { Array($0.utf8) } ?? output.encoded
        if isStandardOutput { return try Output.data(bytes + (bytes.last == 0x0A ? [] : [0x0A])) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw OutputError.failed(place: path, errno: errno) }
        var failure: OutputError?
        do throws(OutputError) { try Descriptor.write(bytes, to: descriptor, named: path) } catch { failure = error }
        // Some file systems say only now that there was no room.
        if Glibc.close(descriptor) != 0, failure == nil { failure = .failed(place: path, errno: errno) }
        if let failure { throw failure }
    }
}
