import Glibc
import StepKit

/// A file that several processes append lines to.
enum AppendOnlyFile {
    /// One `write` with `O_APPEND`, so that lines of different processes never mix; creates the file.
    static func append(_ text: String, to path: String) throws(StepFailure) {
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw failure("write", path) }
    }

    private static func failure(_ call: String, _ path: String) -> StepFailure {
        StepFailure(.retry(), code: "io_error", message: "\(call) \(path): \(String(cString: strerror(errno)))")
    }
}
