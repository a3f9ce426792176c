import Foundation
import Glibc
import StepABI

/// A step host driven frame by frame, with frames built here and not by the code under test.
final class HostProcess {
    struct Frame {
        let kind: UInt8
        let call: UInt64
        var payload: [UInt8]

        mutating func take(_ count: Int) -> [UInt8] {
            defer { payload.removeFirst(min(count, payload.count)) }
            return Array(payload.prefix(count))
        }
        mutating func integer<T: FixedWidthInteger>(_ type: T.Type) -> T {
            take(MemoryLayout<T>.size).reversed().reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
        }
        mutating func double() -> Double { Double(bitPattern: integer(UInt64.self)) }
        mutating func text() -> String { String(decoding: take(Int(integer(UInt32.self))), as: UTF8.self) }
    }

    struct Failure: Error { let description: String }

    let pid: pid_t
    let directory: URL
    private var channel: Int32
    private let errorFile: URL
    private var buffered: [UInt8] = []
    private var status: Int32?

    /// - Parameter arguments: flags beside the temporary directory.
    init(_ arguments: [String] = []) throws {
        directory = try Tool.temporaryDirectory()
        errorFile = directory.appending(path: "stderr")
        var pair: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw Failure(description: "socketpair")
        }
        channel = pair[0]
        // A host that says nothing must fail the test, not hang it.
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pair[1], STEP_WIRE_FD)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, errorFile.path, O_CREAT | O_WRONLY, 0o644)
        let temporary = directory.appending(path: "tmp")
        try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true)
        // Another name than the server's hosts have: their suite looks for ended ones by name, in the same process.
        let program = directory.appending(path: "wire-test-host").path
        try FileManager.default.createSymbolicLink(atPath: program, withDestinationPath: Tool.stepHost)
        let strings = [program, "--tmp", temporary.path] + arguments
        var argv = strings.map { strdup($0) } + [nil]
        defer { argv.forEach { free($0) } }
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var child: pid_t = 0
        let code = posix_spawn(&child, program, &actions, nil, &argv, &environment)
        close(pair[1])
        guard code == 0 else { throw Failure(description: "posix_spawn: \(code)") }
        pid = child
    }

    deinit {
        if status == nil {
            kill(pid, SIGKILL)
            _ = try? wait()
        }
        if channel >= 0 { close(channel) }
        try? FileManager.default.removeItem(at: directory)
    }

    static func blob(_ text: String) -> [UInt8] { integer(UInt32(text.utf8.count)) + Array(text.utf8) }

    static func integer<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        (0..<MemoryLayout<T>.size).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
    }

    func send(raw bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(channel, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(description: "send: \(errno)") }
            sent += count
        }
    }

    func send(_ kind: Int, call: UInt64 = 0, _ payload: [UInt8] = []) throws {
        try send(raw: Self.integer(UInt32(9 + payload.count)) + [UInt8(kind)] + Self.integer(call) + payload)
    }

    /// The next frame; nil at the end of the stream.
    func receive() throws -> Frame? {
        guard let header = try read(13) else { return nil }
        var fields = Frame(kind: 0, call: 0, payload: header)
        let length = Int(fields.integer(UInt32.self))
        let kind = fields.integer(UInt8.self)
        let call = fields.integer(UInt64.self)
        guard let payload = try read(length - 9) else { throw Failure(description: "a torn frame") }
        return Frame(kind: kind, call: call, payload: payload)
    }

    private func read(_ count: Int) throws -> [UInt8]? {
        while buffered.count < count {
            var chunk = [UInt8](repeating: 0, count: 1 << 20)
            let got = recv(channel, &chunk, chunk.count, 0)
            if got == 0 || (got < 0 && errno == ECONNRESET) { return nil }
            guard got > 0 else { throw Failure(description: "recv: \(errno)") }
            buffered += chunk[..<got]
        }
        defer { buffered.removeFirst(count) }
        return Array(buffered.prefix(count))
    }

    /// Takes HELLO, opens the plugin and gives what came back: READY or LOAD_FAILED.
    func open(_ path: String) throws -> Frame {
        guard let hello = try receive(), hello.kind == STEP_WIRE_HELLO else { throw Failure(description: "no HELLO") }
        try send(STEP_WIRE_OPEN, Self.blob(path) + Self.blob("{}"))
        while let frame = try receive() {
            if [STEP_WIRE_READY, STEP_WIRE_LOAD_FAILED].contains(Int(frame.kind)) { return frame }
        }
        throw Failure(description: "no answer to OPEN; \(errorText)")
    }

    func call(_ function: String, id: UInt64 = 1, input: String = "1") throws {
        var payload = Self.integer(UInt32(1)) + Self.integer(Int64(0))
        for text in [function, input, "workflow", "execution", "step", "key", ""] { payload += Self.blob(text) }
        try send(STEP_WIRE_CALL, call: id, payload)
    }

    /// All frames up to one of the kind, that one last.
    func frames(through kind: Int) throws -> [Frame] {
        var frames: [Frame] = []
        while let frame = try receive() {
            frames.append(frame)
            if frame.kind == kind { return frames }
        }
        throw Failure(description: "the stream ended before a frame of kind \(kind); \(errorText)")
    }

    func closeChannel() {
        close(channel)
        channel = -1
    }

    /// The wait status.
    @discardableResult
    func wait() throws -> Int32 {
        if let status { return status }
        var result: Int32 = 0
        guard waitpid(pid, &result, 0) == pid else { throw Failure(description: "waitpid: \(errno)") }
        status = result
        return result
    }

    func exitCode() throws -> Int32? {
        let status = try wait()
        return status & 0x7f == 0 ? (status >> 8) & 0xff : nil
    }

    func signal() throws -> Int32 { try wait() & 0x7f }

    var errorText: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }
}
