import Orchestrator
import Simulation
import Testing
import WebTesting
import WorkflowEngine
import WorkflowModel

@Suite("the orchestrator's routes", .timeLimit(.minutes(1)))
struct RouteTests {
    @Test(
        "a cursor that no answer gave is refused on every list",
        arguments: [
            "/api/v1/workflows?cursor=No%20Name", "/api/v1/executions?cursor=garbage",
            "/api/v1/approvals?cursor=garbage",
            "/api/v1/approvals?cursor=01970f00-0000-7000-8000-000000000000:garbage",
            "/api/v1/executions/ID/events?cursor=garbage", "/api/v1/executions/ID/events?cursor=-1",
        ])
    func cursors(path: String) async throws {
        try await Room.with("echo") { room in
            let started = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
            let reply = try await room.get(path.replacing("ID", with: try #require(started.text("execution_id"))))
            #expect(reply.status == 400 && reply.text("code") == "invalid_parameter", "\(reply.text)")
        }
    }

    @Test("the cursor of a page of events leads on, whatever the first page began after")
    func eventPages() async throws {
        try await Room.with("echo") { room in
            let started = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
            let events = "/api/v1/executions/\(try #require(started.text("execution_id")))/events?after=1&limit=1"
            var page = try await room.get(events).json
            var sequences = [page["items"]?.arrayValue?.first?["sequence"]]
            while let cursor = page["next"]?.stringValue {
                page = try await room.get("\(events)&cursor=\(cursor)").json
                sequences.append(page["items"]?.arrayValue?.first?["sequence"])
                try #require(sequences.count < 10)
            }
            #expect(sequences == [2, 3, 4])
        }
    }

    private static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test(
        "a traceparent is taken in the form of the recommendation, and is absent otherwise",
        arguments: [
            (trace, trace),
            ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future", trace),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-", nil),
            ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.", nil),
            ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", nil),
            ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", nil),
            ("00-00000000000000000000000000000000-b7ad6b7169203331-01", nil),
            ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", nil),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", nil), ("x", nil),
            (String(repeating: "0", count: 10_000), nil),
        ])
    func traceParents(header: String, taken: String?) async throws {
        try await Room.with("echo") { room in
            let reply = try await room.client.request(
                "POST", "/api/v1/workflows/echo/execute?wait=30s",
                headers: [("content-type", "application/json"), ("traceparent", header)],
                body: #"{"inputs":{"text":"a"}}"#)
            #expect(reply.text("status") == "completed")
            let execution = try #require(reply.text("execution_id").flatMap { ExecutionID($0) })
            let records = try await room.journal.records(of: execution, after: 0)
            guard case .started(let started) = try RecordBody(try #require(records.first)) else {
                Issue.record("the first record is no start")
                return
            }
            #expect(started.traceparent == taken)
        }
    }

    @Test("why the journal fails is for the log: an answer names neither files nor what SQLite says")
    func journalErrors() async throws {
        try await Room.with("echo") { room in
            for code in [JournalError.Code.inputOutput, .diskFull] {
                let cause = JournalError(code, "SQLite error 10: disk I/O error - /secret/journal.sqlite")
                room.journal.inject(.refuse(JournalError(code, "/secret/journal.sqlite failed", cause: cause)))
                let reply = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
                #expect(reply.status == 503 && reply.header("retry-after") != nil, "\(reply.text)")
                #expect(!reply.text.contains("/secret") && !reply.text.contains("SQLite"), "\(reply.text)")
            }
        }
    }

    @Test("a caller that leaves ends its wait, and what it started goes on")
    func abandonedWait() async throws {
        try await Room.with("hold") { room in
            let execution = room.identifier()
            let leaving = try await room.server.client()
            try await leaving.send(
                "POST", "/api/v1/workflows/hold/execute?wait=60s", headers: [("content-type", "application/json")],
                body: #"{"execution_id":"\#(execution)"}"#)
            _ = await room.steps.held.first { _ in true }
            // Half closed: its answer still comes, without the wait.
            try await leaving.closeOutput()
            let reply = try await leaving.reply()
            #expect(reply.status == 200 && reply.text("status") == "running")
            room.steps.releaseAll()
            #expect(try await room.execute("hold", #"{"execution_id":"\#(execution)"}"#).text("status") == "completed")
        }
    }

    @Test("a start that waits for a person does not count among those there is memory for")
    func waitingMemory() async throws {
        let gate = "{name: gate, steps: [{name: g, approval: {approvers: [all]}}]}"
        try await Room.with("hold", configure: { $0.executions.contextMemoryBytesMax = 100_000 }) { room in
            #expect(try await room.put("gate", gate).status == 201)
            let large = #"{"inputs":{"text":"\#(String(repeating: "x", count: 20_000))"}}"#
            for _ in 0..<5 { #expect(try await room.execute("gate", large, query: "").text("status") == "waiting") }
            let running = try await room.execute("hold", large, query: "")
            #expect(running.status == 200, "\(running.text)")
            // One that runs counts.
            #expect(try await room.execute("hold", large, query: "").text("code") == "too_many_bytes")
        }
    }

    @Test("a request that names a plugin waits while files are looked at, and is asked to come again after a while")
    func pluginsLoading() async throws {
        let copy = Room.definitions["echo"]?.replacing("name: echo", with: "name: copy") ?? ""
        try await Room.with("echo", configure: { $0.pluginWaitMax = .milliseconds(20) }) { room in
            room.steps.beginLoading()
            let stored = try await room.put("copy", copy)
            let started = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
            for refused in [stored, started] {
                #expect(refused.status == 503 && refused.text("code") == "plugins_loading", "\(refused.text)")
                #expect(refused.header("retry-after") != nil)
                #expect(refused.text("detail")?.contains("test") == true)
            }
        }
        try await Room.with("echo", configure: { $0.pluginWaitMax = .seconds(3600) }) { room in
            room.steps.beginLoading()
            try await room.client.send(
                "POST", "/api/v1/workflows/echo/execute?wait=30s", headers: [("content-type", "application/json")],
                body: #"{"inputs":{"text":"a"}}"#)
            while room.steps.loadWaiterCount == 0 { await Task.yield() }
            room.steps.endLoading()
            #expect(try await room.client.reply().text("status") == "completed")
        }
    }

    @Test("more starts than there is memory for are refused, and there is room again once one has ended")
    func memory() async throws {
        try await Room.with("hold", configure: { $0.executions.contextMemoryBytesMax = 100_000 }) { room in
            let large = #"{"inputs":{"text":"\#(String(repeating: "x", count: 20_000))"}}"#
            let first = try await room.execute("hold", large, query: "")
            #expect(first.status == 200)
            let second = try await room.execute("hold", large, query: "")
            #expect(second.status == 429 && second.text("code") == "too_many_bytes")
            #expect(second.header("retry-after") == "1")
            #expect(try await room.execute("hold", "{}", query: "").status == 200)
            _ = await room.steps.held.first { _ in true }
            room.steps.releaseAll()
            let execution = try #require(first.text("execution_id"))
            let address = "/api/v1/executions/\(execution)"
            while try await room.get(address).text("status") != "completed" { room.steps.releaseAll() }
            var again = try await room.execute("hold", large, query: "")
            while again.status == 429 { again = try await room.execute("hold", large, query: "") }
            #expect(again.status == 200)
            room.steps.releaseAll()
        }
    }
}
