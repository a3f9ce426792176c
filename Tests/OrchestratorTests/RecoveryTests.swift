@testable import Orchestrator
import Simulation
import Testing
import WebTesting
import WorkflowEngine
import WorkflowModel

/// A restart takes every open execution up again, whatever keeps it from that for a while.
@Suite("taking executions up again")
struct RecoveryTests {
    private static let passing = JournalError(.inputOutput, "the disk did not answer")

    /// The journal of a process that died with a step running, and the execution.
    private static func left() async throws -> (InMemoryJournal, String) {
        var left: (InMemoryJournal, String)?
        try await Room.with("hold", "echo") { room in
            let execution = try #require(try await room.execute("hold", query: "").text("execution_id"))
            var calls = room.steps.held.makeAsyncIterator()
            _ = await calls.next()
            left = (room.journal.crash(), execution)
        }
        return try #require(left)
    }

    /// A start of `echo` over a connection of its own.
    private static func start(_ body: String, at server: TestServer) -> Task<TestClient.Reply, any Error> {
        Task {
            let client = try await server.client()
            return try await client.request(
                "POST", "/api/v1/workflows/echo/execute?wait=30s", headers: [("content-type", "application/json")],
                body: body)
        }
    }

    private static func hasty(_ configuration: inout OrchestratorService.Configuration) {
        configuration.executions.recoveryPause = .milliseconds(1)
        configuration.executions.appendPause = .milliseconds(1)
    }

    @Test("an error that passes delays an execution and loses none", arguments: [1, 2, 5])
    func passingError(_ count: Int) async throws {
        let (journal, execution) = try await Self.left()
        journal.failLists(Array(repeating: Self.passing, count: count))
        journal.failRecords(Array(repeating: Self.passing, count: count))
        try await Room.with(over: journal, configure: Self.hasty) { room in
            var calls = room.steps.held.makeAsyncIterator()
            let call = try #require(await calls.next())
            #expect(call.execution.description == execution && call.attempt == 2)
            while try await room.health()["recovered"] == nil { await Task.yield() }
            let health = try await room.health()
            #expect(health["status"] == "ok" && health["delayed"] == 0 && health["stuck"] == 0)
        }
    }

    @Test("an execution that a passing error delays is named by the health")
    func delayedIsShown() async throws {
        let (journal, execution) = try await Self.left()
        journal.failRecords(Array(repeating: Self.passing, count: 10_000))
        try await Room.with(over: journal, configure: Self.hasty) { room in
            while try await room.health()["delayed"] != 1 { await Task.yield() }
            let health = try await room.health()
            let detail = health["detail"]?.stringValue ?? ""
            #expect(health["status"] == "degraded" && detail.contains(execution), "\(health)")
        }
    }

    @Test("an execution that cannot be read is stuck, visibly, and the others go on")
    func permanentError() async throws {
        let (journal, execution) = try await Self.left()
        let id = try #require(ExecutionID(execution))
        let lease = try journal.takeLeaseOver()
        let version = try await journal.records(of: id, after: 0).count
        let unreadable = JournalRecord(version: version + 1, kind: 999, payload: Array("{}".utf8), event: nil)
        _ = await journal.append(
            [AppendRequest(execution: id, expectedVersion: version, records: [unreadable])], lease: lease)
        try await Room.with(over: journal, configure: Self.hasty) { room in
            while try await room.health()["recovered"] == nil { await Task.yield() }
            let health = try await room.health()
            #expect(health["status"] == "degraded" && health["stuck"] == 1 && health["delayed"] == 0)
            let detail = health["detail"]?.stringValue ?? ""
            #expect(detail.contains(execution) && detail.contains("999"), "\(detail)")

            let other = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
            #expect(other.text("status") == "completed")
            let listed = try await room.get("/api/v1/executions?stuck=true").json["items"]?.arrayValue ?? []
            #expect(listed.map { $0["execution_id"]?.stringValue } == [execution])
            #expect(listed[0]["status"] == "running" && listed[0]["stuck"]?.stringValue?.contains("999") == true)
            let all = try await room.get("/api/v1/executions").json["items"]?.arrayValue ?? []
            // Of one moment, so in no order of their own.
            let marks = all.map { ($0["execution_id"]?.stringValue == execution, $0["stuck"]?.isNull == false) }
            #expect(all.count == 2 && marks.allSatisfy { $0 == $1 }, "\(all)")
            for filter in ["workflow=echo", "status=failed", "cursor=\(execution)"] {
                let none = try await room.get("/api/v1/executions?stuck=true&\(filter)").json["items"]
                #expect(none == [], "\(filter)")
            }
            #expect(try await room.get("/api/v1/executions?stuck=no").status == 400)
            for reply in [try await room.get("/api/v1/executions/\(execution)"), try await room.cancel(execution)] {
                #expect(reply.status == 500 && reply.text("code") == "execution_stuck", "\(reply.text)")
            }
        }
    }

    @Test("an append whose outcome cannot be read back is neither lost nor the end of the process")
    func unknownOutcome() async throws {
        for fault in [InMemoryJournalFault.commitAndNotAnswer, .loseAndNotAnswer] {
            try await Room.with("hold", configure: Self.hasty) { room in
                let execution = try #require(try await room.execute("hold", query: "").text("execution_id"))
                var calls = room.steps.held.makeAsyncIterator()
                _ = await calls.next()
                room.journal.inject(fault)
                room.journal.failRecords(Array(repeating: Self.passing, count: 3))
                room.steps.releaseAll()
                let reply = try await room.execute("hold", #"{"execution_id":"\#(execution)"}"#)
                #expect(reply.text("status") == "completed", "\(reply.text)")
            }
        }
    }

    @Test("an append whose outcome is unknown is tried again after a pause")
    func unknownOutcomePauses() async throws {
        let pause = Duration.milliseconds(50)
        try await Room.with("hold", configure: { $0.executions.appendPause = pause }) { room in
            let execution = try #require(try await room.execute("hold", query: "").text("execution_id"))
            var calls = room.steps.held.makeAsyncIterator()
            _ = await calls.next()
            for _ in 0..<2 { room.journal.inject(.loseAndNotAnswer) }
            let begun = ContinuousClock.now
            room.steps.releaseAll()
            let reply = try await room.execute("hold", #"{"execution_id":"\#(execution)"}"#)
            #expect(reply.text("status") == "completed")
            // The second pause is twice as long.
            #expect(.now - begun >= pause * 3)
        }
    }

    @Test("a journal that refuses the process leaves no mark on an execution")
    func refusedProcess() async throws {
        let (journal, execution) = try await Self.left()
        journal.failRecords([JournalError(.moved, "the data directory is gone")])
        try await Room.with(over: journal, configure: Self.hasty) { room in
            while try await room.health()["recovered"] == nil { await Task.yield() }
            #expect(try await room.health()["stuck"] == 0)
            #expect(try await room.cancel(execution).status == 200)
        }
    }

    @Test(
        "a repeat that comes before the start is durable is answered as it is, or is the start itself if it is refused",
        arguments: [false, true])
    func earlyRepeat(isRefused: Bool) async throws {
        try await Room.with("echo") { room in
            let given = room.identifier()
            let body = #"{"inputs":{"text":"a"},"execution_id":"\#(given)"}"#
            if isRefused { room.journal.inject(.refuse(JournalError(.diskFull, "full"))) }
            room.journal.holdCommits()
            let first = Self.start(body, at: room.server)
            while room.journal.heldCommitCount == 0 { await Task.yield() }
            let second = Self.start(body, at: room.server)
            let execution = try #require(ExecutionID(given))
            while await room.executions.startWaiterCount(of: execution) == 0 { await Task.yield() }
            room.journal.releaseCommits()
            let replies = try await [first.value, second.value]
            #expect(replies.map(\.status) == [isRefused ? 503 : 200, 200])
            #expect(isRefused || replies[0].text == replies[1].text, "\(replies[1].text)")
            #expect(room.steps.calls.count == 1)
        }
    }
}

extension Executions {
    /// How many repeats wait for the start to be durable.
    fileprivate func startWaiterCount(of execution: ExecutionID) -> Int { slots[execution]?.startWaiters.count ?? 0 }
}
