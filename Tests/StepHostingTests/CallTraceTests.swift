import Glibc
import Testing
import WorkflowEngine
import WorkflowModel

@testable import StepHosting

/// What a restart learns of the attempts that its predecessor had.
@Suite("the traces of calls") struct CallTraceTests {
    private static func call(_ path: String, attempt: Int = 1) -> StepCall {
        StepCall(
            execution: HostedPlugins.execution, workflow: "test", path: path,
            function: FunctionName(plugin: "test", function: "act"), pluginHash: "", attempt: attempt, input: [],
            timeout: .seconds(1))
    }

    private static func with(_ body: (String) throws -> Void) throws {
        let directory = try HostedPlugins.makeDirectory()
        defer { HostedPlugins.remove(directory) }
        try #require(mkdir(directory + "/run", 0o700) == 0)
        try body(directory)
    }

    private static func opened(_ directory: String) throws -> CallTraces {
        let traces = CallTraces()
        try traces.open(dataDirectory: directory)
        return traces
    }

    private static func trace(_ traces: CallTraces, _ path: String, _ attempt: Int = 1) -> AttemptTrace {
        traces.trace(of: HostedPlugins.execution, path: path, attempt: attempt)
    }

    @Test("an attempt is found as it was when the process ended")
    func found() throws {
        try Self.with { directory in
            let before = try Self.opened(directory)
            before.began(Self.call("held"))
            before.began(Self.call("stopped"))
            before.ended(Self.call("stopped"))
            before.ended(Self.call("waiting"))
            // Closing changes nothing in the file, as dying does not.
            before.close()
            let after = try Self.opened(directory)
            #expect(Self.trace(after, "held") == .inHost)
            #expect(Self.trace(after, "held", 2) == .none)
            #expect(Self.trace(after, "stopped") == .ended)
            #expect(Self.trace(after, "waiting") == .none)
            after.close()
            // It is still known if this process dies before it has recorded what it found.
            let third = try Self.opened(directory)
            #expect(Self.trace(third, "held") == .inHost)
        }
    }

    @Test("the latest attempt of a step counts, wherever it stands")
    func latest() throws {
        try Self.with { directory in
            let before = try Self.opened(directory)
            before.began(Self.call("a"))
            before.began(Self.call("b"))
            // The place of `b` is taken next, that of the first attempt keeps what it says.
            before.recorded(Self.call("a"))
            before.recorded(Self.call("b"))
            before.began(Self.call("a", attempt: 2))
            before.close()
            let after = try Self.opened(directory)
            #expect(Self.trace(after, "a") == .none && Self.trace(after, "a", 2) == .inHost)
            #expect(Self.trace(after, "b") == .none)
        }
    }

    @Test("places are used again, and with none left the oldest settled ones go first")
    func places() throws {
        try Self.with { directory in
            var traces = try Self.opened(directory)
            for number in 0..<CallTraces.slotsMax { traces.began(Self.call("s\(number)")) }
            traces.close()
            traces = try Self.opened(directory)
            for number in 0..<10 { traces.began(Self.call("t\(number)")) }
            #expect((0..<10).allSatisfy { Self.trace(traces, "t\($0)") == .inHost })
            traces.close()
            traces = try Self.opened(directory)
            #expect((0..<10).allSatisfy { Self.trace(traces, "t\($0)") == .inHost })
        }
    }

    @Test("two processes do not write into one file, and a link is not followed")
    func exclusive() throws {
        try Self.with { directory in
            let first = try Self.opened(directory)
            first.began(Self.call("a"))
            let second = try Self.opened(directory)
            second.began(Self.call("b"))
            // What a child has between its fork and its exec.
            let copies = OpenDescriptors.copies(of: directory + "/run/calls")
            defer { for copy in copies { close(copy) } }
            #expect(!copies.isEmpty)
            first.close()
            let third = try Self.opened(directory)
            #expect(Self.trace(third, "a") == .inHost && Self.trace(third, "b") == .none)
            third.close()
            try #require(unlink(directory + "/run/calls") == 0 && symlink("/etc/passwd", directory + "/run/calls") == 0)
            #expect(throws: HostingError.self) { _ = try Self.opened(directory) }
        }
    }
}
