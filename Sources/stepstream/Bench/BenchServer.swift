import FoundationEssentials
import Glibc
import WorkflowModel

/// A role of stepstream of the bench's own: started, watched, stopped by its process id.
final class BenchServer {
    let dataDirectory: String
    let pid: pid_t
    let port: UInt16
    /// From the spawn to the ready line.
    let startMilliseconds: Double
    private var isRunning = true

    /// - Parameter dataDirectory: nil makes a temporary one, removed by `remove`.
    init(plugins: String, dataDirectory: String? = nil, role: String = "serve") throws {
        self.dataDirectory = try dataDirectory ?? TemporaryDirectory.make("stepstream-bench")
        var pipeEnds: [Int32] = [0, 0]
        guard pipe(&pipeEnds) == 0 else { throw CommandError(.failed, "no pipe") }
        for end in pipeEnds { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(pipeEnds[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pipeEnds[1], STDOUT_FILENO)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let arguments = [
            Platform.executableDirectory + "/stepstream", role, "--port", "0", "--data-dir", self.dataDirectory,
            "--plugins", plugins, "--log-level", "error",
        ]
        var process = pid_t()
        let start = BenchClock.monotonic
        var strings = arguments.map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        let error = posix_spawn(&process, arguments[0], &actions, nil, &strings, environ)
        close(pipeEnds[1])
        guard error == 0 else {
            throw CommandError(.failed, "\(arguments[0]) cannot be started: \(String(cString: strerror(error)))")
        }
        pid = process
        let line = Self.line(pipeEnds[0])
        startMilliseconds = Double(BenchClock.monotonic - start) / 1e6
        guard let ready = try? JSONValue(parsing: line), let url = ready["url"]?.stringValue,
            let port = url.split(separator: ":").last.flatMap({ UInt16($0) })
        else {
            waitpid(process, nil, 0)
            throw CommandError(.failed, "the server did not become ready")
        }
        self.port = port
    }

    private static func line(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1, byte != 0x0A { bytes.append(byte) }
        return bytes
    }

    func put(_ workflow: JSONValue) throws {
        var connection = try HTTPConnection(port: port)
        let name = workflow["name"]?.stringValue ?? ""
        let answer = try connection.call(HTTPConnection.request("PUT", "/api/v1/workflows/\(name)", workflow.encoded))
        guard answer.status == 200 || answer.status == 201 else {
            throw CommandError(.failed, "the definition was refused: \(String(decoding: answer.body, as: UTF8.self))")
        }
    }

    func get(_ path: String) throws -> JSONValue {
        var connection = try HTTPConnection(port: port)
        return try JSONValue(parsing: try connection.call(HTTPConnection.request("GET", path)).body)
    }

    func end(_ signal: Int32 = SIGTERM) {
        guard isRunning else { return }
        isRunning = false
        kill(pid, signal)
        waitpid(pid, nil, 0)
    }

    func remove() { TemporaryDirectory.remove(dataDirectory) }

    // MARK: What the kernel knows of it

    /// The step hosts: the server's direct children.
    var children: [pid_t] {
        guard let entries = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task") else { return [] }
        return entries.flatMap { task in
            Self.text("/proc/\(pid)/task/\(task)/children").split(separator: " ").compactMap { pid_t($0) }
        }
    }

    /// CPU seconds of a process so far, from /proc/PID/stat (utime + stime).
    static func cpuSeconds(_ pid: pid_t) -> Double {
        // The name in parentheses may hold spaces; fields count from behind it.
        guard let fields = text("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " "),
            fields.count > 12
        else { return 0 }
        return ((Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Proportional set size in MB.
    static func pssMegabytes(_ pid: pid_t) -> Double {
        for line in text("/proc/\(pid)/smaps_rollup").split(separator: "\n") where line.hasPrefix("Pss:") {
            return (Double(line.split(separator: " ").dropFirst().first ?? "") ?? 0) / 1024
        }
        return 0
    }

    private static func text(_ path: String) -> String {
        // Files of /proc have no size beforehand.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while case let count = read(descriptor, &chunk, chunk.count), count > 0 { bytes += chunk.prefix(count) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
