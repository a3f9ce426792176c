import EventBus
import Simulation
import Testing
import WebTesting
import WorkflowModel

@Suite("executions over HTTP")
struct ExecutionTests {
    /// The identifier of an execution whose step is running.
    private func held(_ room: Room) async throws -> String {
        let reply = try await room.execute("hold", query: "")
        var calls = room.steps.held.makeAsyncIterator()
        _ = await calls.next()
        return try #require(reply.text("execution_id"))
    }

    @Test("cancelling a running execution stops its step and ends it as cancelled, with the reason")
    func cancelRunning() async throws {
        try await Room.with("hold") { room in
            let given = room.identifier()
            let body = #"{"execution_id":"\#(given)"}"#
            _ = try await room.execute("hold", body, query: "")
            var calls = room.steps.held.makeAsyncIterator()
            _ = await calls.next()
            let reply = try await room.cancel(given, body: #"{"reason":"not needed"}"#)
            #expect(reply.status == 200 && reply.json["cancel_requested"] == true)
            #expect(try await room.execute("hold", body).text("status") == "cancelled")
            let events = try await room.get("/api/v1/executions/\(given)/events").json["items"]?.arrayValue
            let last = try #require(events?.last)
            #expect(last["type"] == "execution_cancelled" && last["final"] == true)
            #expect(last["data"]?["reason"] == "not needed" && last["data"]?["requested_by"] == "local")
        }
    }

    @Test("an execution that has ended cannot be cancelled")
    func cancelEnded() async throws {
        try await Room.with("echo") { room in
            let started = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
            let reply = try await room.cancel(try #require(started.text("execution_id")))
            #expect(reply.status == 409 && reply.text("code") == "already_ended")
            #expect(reply.text("execution_status") == "completed")
        }
    }

    @Test("cancelling needs a known execution and a body that is understood")
    func cancelRefused() async throws {
        try await Room.with("hold") { room in
            #expect(try await room.cancel(room.identifier()).text("code") == "unknown_execution")
            #expect(try await room.cancel("x").status == 404)
            let execution = try await held(room)
            for body in ["[]", #"{"reason":1}"#, #"{"why":"x"}"#] {
                let reply = try await room.cancel(execution, body: body)
                #expect(reply.status == 422 && reply.text("code") == "invalid_body", "\(body)")
            }
            #expect(try await room.cancel(execution, body: "{").status == 400)
            #expect(try await room.get("/api/v1/executions/\(execution)").json["cancel_requested"] == false)
        }
    }

    @Test("an execution is shown with its steps, inputs, outputs and attempts")
    func show() async throws {
        try await Room.with("echo") { room in
            let started = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
            let execution = try #require(started.text("execution_id"))
            let shown = try await room.get("/api/v1/executions/\(execution)").json
            #expect(shown["status"] == "completed" && shown["progress"] == 100)
            #expect(shown["inputs"] == ["text": "a"] && shown["output"] == ["text": "a"])
            let step = try #require(shown["steps"]?.arrayValue?.first)
            #expect(step["step_name"] == "say" && step["status"] == "completed")
            #expect(step["input"] == ["text": "a"] && step["output"] == ["text": "a"])
            #expect(step["attempts"]?.arrayValue?.first?["execution_time_ms"] == 1.5)
            #expect(try await room.get("/api/v1/executions/\(room.identifier())").status == 404)
        }
    }

    @Test("the list pages from the newest to the oldest, each execution once")
    func paging() async throws {
        try await Room.with("echo", "fail") { room in
            var started: [String] = []
            for number in 0..<5 {
                room.clock.advance(by: .milliseconds(1))
                let reply = number == 2
                    ? try await room.execute("fail") : try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
                started.append(try #require(reply.text("execution_id")))
            }
            var listed: [String] = []
            var cursor: String?
            var sizes: [Int] = []
            repeat {
                let path = "/api/v1/executions?limit=2" + (cursor.map { "&cursor=\($0)" } ?? "")
                let page = try await room.get(path).json
                let items = try #require(page["items"]?.arrayValue)
                sizes.append(items.count)
                listed += items.compactMap { $0["execution_id"]?.stringValue }
                cursor = page["next"]?.stringValue
            } while cursor != nil && sizes.count < 10
            #expect(listed == started.reversed())
            #expect(sizes == [2, 2, 1])
            let exact = try await room.get("/api/v1/executions?limit=5").json
            #expect(exact["next"]?.isNull == true)
        }
    }

    @Test("the list can be filtered, and refuses what it does not understand")
    func filters() async throws {
        try await Room.with("echo", "fail") { room in
            let echoed = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#).text("execution_id")
            let failed = try await room.execute("fail").text("execution_id")
            func listed(_ query: String) async throws -> [String?] {
                let items = try await room.get("/api/v1/executions?\(query)").json["items"]?.arrayValue ?? []
                return items.map { $0["execution_id"]?.stringValue }
            }
            #expect(try await listed("workflow=echo") == [echoed])
            #expect(try await listed("status=failed") == [failed])
            #expect(try await listed("status=failed&workflow=echo") == [])
            for query in ["limit=0", "limit=501", "limit=x", "status=done", "cursor=x"] {
                let reply = try await room.get("/api/v1/executions?\(query)")
                #expect(reply.status == 400 && reply.text("code") == "invalid_parameter", "\(query)")
            }
        }
    }

    @Test("an answer tells nothing that is not durable yet")
    func durable() async throws {
        try await Room.with("hold") { room async throws in
            let body = #"{"execution_id":"\#(room.identifier())"}"#
            #expect(try await room.execute("hold", body, query: "").text("status") == "running")
            var calls = room.steps.held.makeAsyncIterator()
            _ = await calls.next()
            room.journal.holdCommits()
            room.steps.releaseAll()
            while room.journal.heldCommitCount == 0 { await Task.yield() }
            // The end is decided, and waits for the journal.
            #expect(try await room.execute("hold", body, query: "").text("status") == "running")
            room.journal.releaseCommits()
            #expect(try await room.execute("hold", body).text("status") == "completed")
        }
    }

    @Test("events are the very bytes that the journal holds and the bus got, in pages")
    func events() async throws {
        try await Room.with("echo") { room in
            let started = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
            let execution = try #require(started.text("execution_id"))
            let id = try #require(ExecutionID(execution))
            let stored = try await room.journal.events(of: id, after: 0, limit: 100)
            let types = ["execution_started", "step_started", "step_completed", "execution_completed"]
            try #require(stored.map(\.type) == types)
            func body(_ events: some Sequence<EncodedEvent>, next: String) -> String {
                let items = events.map { String(decoding: $0.bytes, as: UTF8.self) }.joined(separator: ",")
                return "{\"items\":[\(items)],\"next\":\(next)}"
            }
            let path = "/api/v1/executions/\(execution)/events"
            #expect(try await room.get(path).text == body(stored, next: "null"))
            #expect(try await room.get(path + "?limit=3").text == body(stored[..<3], next: "\"3\""))
            #expect(try await room.get(path + "?limit=3&cursor=3").text == body(stored[3...], next: "null"))
            #expect(try await room.get(path + "?after=2").text == body(stored[2...], next: "null"))
            await room.publisher.taken(atLeast: 4)
            #expect(room.publisher.taken.map(\.event.bytes) == stored.map(\.bytes))
        }
    }

    @Test("functions are listed with the files that did not load")
    func functions() async throws {
        try await Room.with { room in
            let text = try await room.get("/api/v1/functions").text
            #expect(text.contains("\"test.echo\"") && text.contains("/broken.so") && text.contains("not_elf"))
        }
    }
}
