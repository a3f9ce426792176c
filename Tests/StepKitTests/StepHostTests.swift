import Foundation
import Glibc
import StepABI
import Testing

/// The step host over its wire.
@Suite(.serialized) struct StepHostTests {
    private static func complete(_ frame: HostProcess.Frame) -> (status: Int32, risk: Double, payload: String) {
        var frame = frame
        let status = frame.integer(Int32.self)
        _ = frame.integer(UInt64.self)
        return (status, frame.double(), frame.text())
    }

    /// A host with the fixture loaded.
    private func ready(_ arguments: [String] = []) throws -> HostProcess {
        let host = try HostProcess(arguments)
        let answer = try host.open(try FixturePlugin.build("", in: host.directory))
        guard answer.kind == STEP_WIRE_READY else {
            throw HostProcess.Failure(description: "not READY; \(host.errorText)")
        }
        return host
    }

    private func result(_ function: String, on host: HostProcess, input: String = "1") throws -> (
        status: Int32, risk: Double, payload: String
    ) {
        try host.call(function, input: input)
        return Self.complete(try #require(try host.frames(through: STEP_WIRE_COMPLETE).last))
    }

    @Test("HELLO names the build, CONFINED the confinement in force, READY describes the plugin")
    func handshake() throws {
        let host = try HostProcess(["--parent-pid", "\(getpid())"])
        let library = try FixturePlugin.build("", in: host.directory)
        var hello = try #require(try host.receive())
        #expect(hello.kind == STEP_WIRE_HELLO)
        #expect(hello.integer(UInt32.self) == STEP_WIRE_MAGIC)
        #expect(hello.integer(UInt32.self) == STEP_WIRE_VERSION)
        #expect(hello.integer(UInt16.self) == STEP_ABI_MAJOR)
        #expect(hello.integer(UInt16.self) == STEP_ABI_MINOR)
        #expect(hello.integer(UInt32.self) == UInt32(host.pid))
        #expect(hello.integer(UInt32.self) & UInt32(STEP_CONFINED_PDEATHSIG) != 0)
        try host.send(STEP_WIRE_OPEN, HostProcess.blob(library) + HostProcess.blob("{}"))
        let frames = try host.frames(through: STEP_WIRE_READY)
        var ready = try #require(frames.last)
        #expect(ready.text().contains("\"fixture\""))
        #expect(ready.integer(UInt16.self) == STEP_ABI_MAJOR)
        #expect(ready.integer(UInt16.self) == STEP_ABI_MINOR)
        var confined = try #require(frames.first { $0.kind == STEP_WIRE_CONFINED })
        let expected =
            STEP_CONFINED_RLIMITS | STEP_CONFINED_NO_NEW_PRIVS | STEP_CONFINED_SECCOMP | STEP_CONFINED_UNPRIVILEGED
        #expect(confined.integer(UInt32.self) & UInt32(expected) == UInt32(expected))
    }

    @Test("a host whose parent is another process leaves")
    func orphan() throws {
        let host = try HostProcess(["--parent-pid", "1"])
        #expect(try host.exitCode() == 71)
    }

    @Test("a call of any size comes back as it went", arguments: [0, 1, 65_000, 70_000, 4 << 20])
    func echo(bytes: Int) throws {
        let host = try ready()
        let input = String(repeating: "x", count: bytes)
        for _ in 0..<3 {
            let result = try result("echo", on: host, input: input)
            #expect(result.status == STEP_STATUS_OK)
            #expect(result.payload == input)
            #expect(result.risk.isNaN)
        }
    }

    @Test("many calls in one write are all answered, in frames torn anywhere")
    func tornFrames() throws {
        let host = try ready()
        var bytes: [UInt8] = []
        for id in 1...50 {
            var payload = HostProcess.integer(UInt32(1)) + HostProcess.integer(Int64(0))
            for text in ["echo", "\(id)", "", "", "", "", ""] { payload += HostProcess.blob(text) }
            bytes +=
                HostProcess.integer(UInt32(9 + payload.count)) + [UInt8(STEP_WIRE_CALL)]
                + HostProcess.integer(UInt64(id)) + payload
        }
        for start in stride(from: 0, to: bytes.count, by: 7) {
            try host.send(raw: Array(bytes[start..<min(start + 7, bytes.count)]))
        }
        for id in 1...50 {
            let frame = try #require(try host.frames(through: STEP_WIRE_COMPLETE).last)
            #expect(frame.call == UInt64(id))
            #expect(Self.complete(frame).payload == "\(id)")
        }
    }

    @Test("of several completions the first counts, the others are counted")
    func twice() throws {
        let host = try ready()
        #expect(try result("twice", on: host).payload == "1")
        var counters = try #require(try host.frames(through: STEP_WIRE_COUNTERS).last)
        #expect(counters.integer(UInt64.self) == 2)
        #expect(try result("echo", on: host).payload == "1")
    }

    @Test("an output above a frame becomes a failure that says so")
    func tooLarge() throws {
        let host = try ready()
        let result = try result("big", on: host)
        #expect(result.status == STEP_STATUS_FAILED_FINAL)
        #expect(result.payload.hasPrefix(#"{"code":"output_too_large""#))
        #expect(try self.result("echo", on: host).status == STEP_STATUS_OK)
    }

    @Test("floods of heartbeats and progress are coalesced, and the last of each arrives before the end")
    func coalescing() throws {
        let host = try ready()
        try host.call("heartbeats")
        let frames = try host.frames(through: STEP_WIRE_COMPLETE)
        var heartbeat = try #require(frames.last { $0.kind == STEP_WIRE_HEARTBEAT })
        #expect(heartbeat.text() == "100000")
        var progress = try #require(frames.last { $0.kind == STEP_WIRE_PROGRESS })
        #expect(progress.double() == 1)
        // The loop takes well under ten seconds: at most 10 + 20 frames a second.
        #expect(frames.count < 400)
    }

    @Test("the highest risk goes with the result; an invalid one is not hidden by it")
    func risk() throws {
        let host = try ready()
        #expect(try result("risk", on: host).risk == 71.5)
        #expect(try result("badrisk", on: host).risk == .infinity)
    }

    @Test("a long log line is cut with a mark")
    func longLog() throws {
        let host = try ready()
        try host.call("longlog")
        var log = try #require(try host.frames(through: STEP_WIRE_COMPLETE).first { $0.kind == STEP_WIRE_LOG })
        #expect(log.integer(Int32.self) == STEP_LOG_ERROR)
        let message = log.text()
        #expect(message.utf8.count == 64 << 10)
        #expect(message.hasSuffix("x [truncated]"))
    }

    @Test("a log flood that nobody reads is dropped and counted, and the call still ends")
    func logFlood() throws {
        let host = try ready()
        let gate = host.directory.appending(path: "tmp/flooded").path
        try #require(mkfifo(gate, 0o666) == 0 && chmod(gate, 0o666) == 0)
        try host.call("flood")
        close(open(gate, O_RDONLY))  // opens when the flood is over
        let frames = try host.frames(through: STEP_WIRE_COUNTERS)
        var counters = try #require(frames.last)
        _ = counters.integer(UInt64.self)
        #expect(counters.integer(UInt64.self) > 0)
    }

    @Test("an invoke that keeps the reader is reported and still works")
    func slow() throws {
        let host = try ready()
        try host.call("slow")
        let frames = try host.frames(through: STEP_WIRE_COMPLETE)
        let slow = frames.filter { $0.kind == STEP_WIRE_SLOW }
        #expect(slow.map(\.call) == [1] && slow.map(\.payload) == [[1]])
        #expect(Self.complete(try #require(frames.last)).status == STEP_STATUS_OK)
    }

    @Test("a refused call is answered once, with the plugin's number")
    func refused() throws {
        let host = try ready()
        try host.call("nothing")
        var frame = try #require(try host.frames(through: STEP_WIRE_REFUSED).last)
        #expect(frame.integer(Int32.self) == 5)
        #expect(try result("echo", on: host).status == STEP_STATUS_OK)
    }

    @Test("a secret is asked for and delivered; an unknown request is refused at once")
    func secret() throws {
        let host = try ready()
        try host.call("secret")
        var request = try #require(try host.frames(through: STEP_WIRE_REQUEST).last)
        #expect(request.integer(UInt32.self) == STEP_REQUEST_SECRET_GET)
        #expect(request.integer(UInt64.self) == 77)
        #expect(request.text() == "token")
        try host.send(
            STEP_WIRE_REPLY, call: 1,
            HostProcess.integer(UInt64(77)) + HostProcess.integer(Int32(0)) + HostProcess.blob("s3cret"))
        #expect(Self.complete(try #require(try host.frames(through: STEP_WIRE_COMPLETE).last)).payload == "[77,0,6]")
    }

    @Test("a cancellation carries its reason; one for a call that has ended goes nowhere")
    func cancel() throws {
        let host = try ready()
        try host.call("wait", id: 9)
        try host.send(STEP_WIRE_CANCEL, call: 8, HostProcess.integer(UInt32(STEP_CANCEL_DEADLINE)))
        try host.send(STEP_WIRE_CANCEL, call: 9, HostProcess.integer(UInt32(STEP_CANCEL_DEADLINE)))
        let frame = try #require(try host.frames(through: STEP_WIRE_COMPLETE).last)
        #expect(frame.call == 9)
        #expect(Self.complete(frame).status == STEP_STATUS_CANCELLED)
        #expect(Self.complete(frame).payload == "[2,2]")
    }

    @Test("fork, internet sockets and files elsewhere are refused; the temporary directory works")
    func confinement() throws {
        let host = try ready()
        let payload = try result("confined", on: host).payload
        let found = try #require(try JSONSerialization.jsonObject(with: Data(payload.utf8)) as? [String: Int])
        #expect(found["fork"] == Int(EPERM), "\(payload)")
        #expect(found["socket"] == Int(EACCES), "\(payload)")
        #expect(found["write"] != 0 && found["read"] != 0, "\(payload)")
        #expect(found["temporary"] == 0 && found["thread"] == 0, "\(payload)")
        #expect(found["uid"] == (getuid() == 0 ? 65534 : Int(getuid())), "\(payload)")
    }

    @Test(
        "a crash leaves the signal and a stack that names the function",
        arguments: [
            ("crash", SIGSEGV, "crash_here"), ("overflow", SIGSEGV, "recurse"), ("abort", SIGABRT, "libfixture.so"),
        ])
    func crash(function: String, signal: Int32, name: String) throws {
        let host = try ready()
        try host.call(function)
        while try host.receive() != nil {}
        #expect(try host.signal() == signal)
        #expect(host.errorText.hasPrefix("stepstream-crash: signal \(signal)"))
        #expect(host.errorText.contains("libfixture.so+0x"))
        #expect(host.errorText.contains(name), "\(host.errorText)")
    }

    @Test("a plugin that calls exit looks clean and ends the stream")
    func leaves() throws {
        let host = try ready()
        try host.call("leave")
        #expect(try host.receive() == nil)
        #expect(try host.exitCode() == 0)
    }

    @Test("the host leaves when the server closes the channel, and on CLOSE")
    func closes() throws {
        let first = try ready()
        first.closeChannel()
        #expect(try first.exitCode() == 0)
        let second = try ready()
        try second.send(STEP_WIRE_CLOSE)
        #expect(try second.exitCode() == 0)
    }

    @Test("a malformed frame from the server ends the host")
    func malformed() throws {
        let faults: [[UInt8]] = [
            HostProcess.integer(UInt32(8)) + [33] + HostProcess.integer(UInt64(1)),
            HostProcess.integer(UInt32.max) + [33] + HostProcess.integer(UInt64(1)),
            HostProcess.integer(UInt32(9)) + [33] + HostProcess.integer(UInt64(1)),
            HostProcess.integer(UInt32(13)) + [33] + HostProcess.integer(UInt64(1)) + HostProcess.integer(UInt32.max),
            HostProcess.integer(UInt32(9)) + [200] + HostProcess.integer(UInt64(1)),
        ]
        for fault in faults {
            let host = try ready()
            try host.send(raw: fault)
            #expect(try host.exitCode() == 70)
        }
    }

    @Test(
        "a plugin that cannot be used is refused with a code and a sentence",
        arguments: [
            ("NO_ENTRY", "no_entry", "step_plugin_entry"), ("REFUSES", "refused", "NULL"),
            ("SMALL_TABLE", "table_too_small", "24"), ("OTHER_MAJOR", "abi_major", "2.0"),
            ("NULL_INVOKE", "null_function", "invoke"), ("OPEN_FAILS", "open_failed", "42"),
            ("NO_DESCRIPTION", "describe_invalid", "nothing"),
        ])
    func defects(defect: String, code: String, word: String) throws {
        let host = try HostProcess()
        var answer = try host.open(try FixturePlugin.build(defect, in: host.directory))
        #expect(answer.kind == STEP_WIRE_LOAD_FAILED)
        #expect(answer.text() == code)
        let message = answer.text()
        #expect(message.contains(word), "\(message)")
        #expect(try host.exitCode() == 0)
    }

    @Test("a plugin with a newer minor version and a longer table is accepted")
    func newerMinor() throws {
        let host = try HostProcess()
        var answer = try host.open(try FixturePlugin.build("NEWER_MINOR", in: host.directory))
        #expect(answer.kind == STEP_WIRE_READY)
        _ = answer.text()
        #expect(answer.integer(UInt16.self) == 1)
        #expect(answer.integer(UInt16.self) == 9)
    }

    /// What a file is made into before it is loaded.
    enum Damage: CaseIterable {
        case missing, empty, text, bits32, machine, executable, cutInHeader, cutInHalf, cutAtEnd

        var code: String {
            switch self {
            case .missing: "file_unreadable"
            case .empty, .text: "not_elf"
            case .bits32: "wrong_class"
            case .machine: "wrong_machine"
            case .executable: "not_shared_object"
            case .cutInHeader, .cutInHalf, .cutAtEnd: "truncated"
            }
        }

        func apply(to bytes: Data) -> Data? {
            var bytes = bytes
            switch self {
            case .missing: return nil
            case .empty: return Data()
            case .text: return Data("#!/bin/sh\necho hello, I am no plugin\n".utf8)
            case .bits32: bytes[4] = 1
            case .machine: bytes[18] = 40
            case .executable: bytes[16] = 2
            case .cutInHeader: return bytes.prefix(40)
            case .cutInHalf: return bytes.prefix(bytes.count / 2)
            case .cutAtEnd: return bytes.dropLast(1)
            }
            return bytes
        }
    }

    @Test("a damaged file is named for what it is, before dlopen", arguments: Damage.allCases)
    func damaged(damage: Damage) throws {
        let host = try HostProcess()
        let good = try Data(contentsOf: URL(filePath: try FixturePlugin.build("", in: host.directory)))
        let file = host.directory.appending(path: "damaged.so")
        try damage.apply(to: good)?.write(to: file)
        var answer = try host.open(file.path)
        #expect(answer.kind == STEP_WIRE_LOAD_FAILED)
        let code = answer.text()
        #expect(code == damage.code, "\(answer.text())")
    }

    @Test("the example plugin in C counts a text")
    func exampleInC() throws {
        let host = try HostProcess()
        let library = try FixturePlugin.buildExample(in: host.directory)
        #expect(try host.open(library).kind == STEP_WIRE_READY)
        let input = #"{"skipped":[{"text":"no"}],"text":"one two\r\nthr\u00e9e\n\n  fo\ud83d\ude00r five six"}"#
        #expect(
            try result("count", on: host, input: input).payload
                == #"{"lines":4,"words":6,"characters":31,"bytes":35,"longest_line":{"number":4,"characters":15}}"#)
        let wrong = try result("count", on: host, input: #"{"text":7}"#)
        #expect(wrong.status == STEP_STATUS_FAILED_FINAL)
        #expect(wrong.payload == #"{"code":"invalid_input","message":"text: a string is expected"}"#)
    }
}
