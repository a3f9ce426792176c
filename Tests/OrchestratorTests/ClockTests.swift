import Orchestrator
import Testing
import WebTesting
import WorkflowModel

@Suite("a clock that is set")
struct ClockTests {
    private static let gate = """
        {name: gate, steps: [{name: g, approval: {approvers: [all], deadline: 10m, on_expiry: reject}}]}
        """

    @Test("what is due by a clock that was set forward is done soon")
    func forward() async throws {
        try await Room.with(configure: { $0.executions.clockCheckInterval = .milliseconds(5) }) { room in
            try #require(try await room.put("gate", Self.gate).status == 201)
            let body = #"{"execution_id":"\#(room.identifier())"}"#
            #expect(try await room.execute("gate", body, query: "?wait=20ms").text("status") == "waiting")
            room.clock.advance(by: .seconds(1_200))
            #expect(try await room.execute("gate", body, query: "?wait=20s").text("status") == "failed")
        }
    }

    @Test("what is not due stays so when the clock is set back")
    func backward() async throws {
        try await Room.with(configure: { $0.executions.clockCheckInterval = .milliseconds(5) }) { room in
            try #require(try await room.put("gate", Self.gate).status == 201)
            let body = #"{"execution_id":"\#(room.identifier())"}"#
            #expect(try await room.execute("gate", body, query: "?wait=20ms").text("status") == "waiting")
            room.clock.advance(by: .seconds(-300))
            // Long enough for the clocks to have been compared. A repeat of the start would be refused: its identifier
            // is of the future now.
            let id = try #require(body.split(separator: "\"").last { $0.contains("-") })
            for _ in 0..<20 {
                #expect(try await room.get("/api/v1/executions/\(id)").text("status") == "waiting")
                try await Task.sleep(for: .milliseconds(5))
            }
            room.clock.advance(by: .seconds(1_200))
            #expect(try await room.execute("gate", body, query: "?wait=20s").text("status") == "failed")
        }
    }
}
