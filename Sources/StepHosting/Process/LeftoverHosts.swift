import Glibc
import StepABI

/// Marks beside the temporary folders, `DATA/run/hosts/<n>.pid`: which process has the folder.
///
/// The kernel ends a step host with the server that started it. A mark is for the case in which it did not: the next
/// server ends the process before it starts any of its own. The start time tells it from a later process of that
/// number.
enum LeftoverHosts {
    private static let suffix = ".pid"

    static func mark(_ process: pid_t, as name: String, in top: Int32) {
        guard let started = ProcessRecords.startTime(of: process) else { return }
        let file = openat(top, name + suffix, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        let text = Array("\(process) \(started)\n".utf8)
        // Without the mark only a host that outlives its server goes unnoticed.
        _ = text.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    }

    static func unmark(_ name: String, in top: Int32) { unlinkat(top, name + suffix, 0) }

    /// Ends every marked process that is still the same one, with its group, and waits until it is gone.
    static func end(in top: Int32) {
        for name in FolderRemoval.names(in: top, max: .max) {
            let text = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasSuffix(suffix), let (process, started) = read(text, in: top) else { continue }
            end(process, started)
        }
    }

    private static func end(_ process: pid_t, _ started: String) {
        let descriptor = step_pidfd_open(process)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // The descriptor holds the process: the number cannot be given to another one from here on.
        guard ProcessRecords.startTime(of: process) == started else { return }
        if getpgid(process) == process { kill(-process, SIGKILL) }
        kill(process, SIGKILL)
        var ended = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // SIGKILL cannot be refused; a process stuck in the kernel is not waited for.
        _ = poll(&ended, 1, 2_000)
    }

    private static func read(_ name: String, in top: Int32) -> (process: pid_t, started: String)? {
        let file = openat(top, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = Glibc.read(file, &bytes, bytes.count)
        let fields = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split { $0 == " " || $0 == "\n" }
        guard fields.count == 2, let process = pid_t(fields[0]), process > 1 else { return nil }
        return (process, String(fields[1]))
    }
}
