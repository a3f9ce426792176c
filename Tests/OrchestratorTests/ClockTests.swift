import Orchestrator
import Testing
import WebTesting
import WorkflowModel

@Suite("a clock that is set")
struct ClockTests {
    private static let gate = """
        {name: gate, steps: [{name: g, approval: {approvers: [all], deadline: 10m, on_expiry: reject}}]}
        """

    /// Runs the body with an execution that waits for its gate until ten minutes have passed.
    private static func waiting(_ body: (Room, _ execution: String) async throws -> Void) async throws {
        try await Room.with { room in
            try #require(try await room.put("gate", gate).status == 201)
            let started = try await room.execute("gate", query: "?wait=20ms")
            try #require(started.text("status") == "waiting")
            await room.executions.compareClocks()
            try await body(room, try #require(started.text("execution_id")))
        }
    }

    private static func status(_ execution: String, _ room: Room) async throws -> String? {
        try await room.get("/api/v1/executions/\(execution)").text("status")
    }

    @Test("what is due by a clock that was set forward is done at the next comparison")
    func forward() async throws {
        try await Self.waiting { room, execution in
            room.clock.advance(by: .seconds(1_200))
            await room.executions.compareClocks()
            while try await Self.status(execution, room) != "failed" { await Task.yield() }
        }
    }

    @Test("what is not due stays so when the clock is set back, and is done when its time has come")
    func backward() async throws {
        try await Self.waiting { room, execution in
            room.clock.advance(by: .seconds(-300))
            await room.executions.compareClocks()
            #expect(try await Self.status(execution, room) == "waiting")
            room.clock.advance(by: .seconds(800))
            await room.executions.compareClocks()
            #expect(try await Self.status(execution, room) == "waiting")
            room.clock.advance(by: .seconds(101))
            await room.executions.compareClocks()
            while try await Self.status(execution, room) != "failed" { await Task.yield() }
        }
    }
}
