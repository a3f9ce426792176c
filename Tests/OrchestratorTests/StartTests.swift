import Orchestrator
import Simulation
import Testing
import WebServing
import WebTesting
import WorkflowEngine
import WorkflowModel

@Suite("starting an execution")
struct StartTests {
    @Test("with a wait it answers with the outcome, the output and where the stream is")
    func completes() async throws {
        try await Room.with("echo") { room in
            let reply = try await room.execute("echo", #"{"inputs":{"text":"hi"}}"#)
            #expect(reply.status == 200)
            #expect(reply.text("status") == "completed")
            #expect(reply.json["output"] == ["text": "hi"])
            #expect(reply.json["revision"] == 1)
            let execution = try #require(reply.text("execution_id"))
            #expect(reply.text("stream") == "/api/v1/workflows/stream/\(execution)")
            #expect(room.steps.calls.map(\.pluginHash) == [String(repeating: "a", count: 64)])
        }
    }

    @Test("a failed run answers 200 with its error")
    func fails() async throws {
        try await Room.with("fail") { room in
            let reply = try await room.execute("fail")
            #expect(reply.status == 200)
            #expect(reply.text("status") == "failed")
            #expect(reply.json["error"] == ["code": "broken", "message": "it broke", "failed_step": "break"])
        }
    }

    @Test("a wait that ends first, and no wait, answer with what is reached")
    func doesNotWait() async throws {
        try await Room.with("hold") { room in
            let waited = try await room.execute("hold", query: "?wait=1ms")
            #expect(waited.status == 200 && waited.text("status") == "running")
            #expect(waited.json["output"] == nil)
            let unwaited = try await room.execute("hold", query: "")
            #expect(unwaited.status == 200 && unwaited.text("status") == "running")
            let tooLong = try await room.execute("hold", query: "?wait=61s")
            #expect(tooLong.status == 400 && tooLong.text("code") == "invalid_parameter")
        }
    }

    @Test("many may wait for the same execution while it runs and ends")
    func manyWait() async throws {
        try await Room.with("hold") { room in
            let started = try await room.execute("hold", query: "")
            let execution = try #require(started.text("execution_id").flatMap { ExecutionID($0) })
            let executions = room.executions
            // More at once than there are processors: the waits begin and end beside one another.
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        for _ in 0..<250 {
                            let standing = await executions.standing(of: execution, wait: .microseconds(50))
                            #expect(standing?.isOpen == true)
                        }
                    }
                }
            }
        }
    }

    @Test("a repeated idempotency key answers for the first start, with another body it is refused")
    func idempotencyKey() async throws {
        try await Room.with("echo", "fail") { room in
            let body = #"{"inputs":{"text":"once"}}"#
            let first = try await room.execute("echo", body, key: "k1")
            let again = try await room.execute("echo", #"{ "inputs": {"text": "once"} }"#, key: "k1")
            #expect(again.status == 200)
            #expect(again.text == first.text)
            #expect(room.steps.calls.count == 1)
            for spelling in [
                #"{"inputs":{"text":"once"},"execution_id":null}"#,
                #"{"execution_id":null,"inputs":{"text":"\u006fnce"}}"#,
            ] {
                let same = try await room.execute("echo", spelling, key: "k1")
                #expect(same.status == 200 && same.text == first.text, "\(spelling): \(same.text)")
            }
            let ordered = try await room.execute("echo", #"{"inputs":{"text":"a","count":1}}"#, key: "k2")
            for spelling in [#"{"inputs":{"count":1,"text":"a"}}"#, #"{"inputs":{"count":1.0,"text":"a"}}"#] {
                #expect(try await room.execute("echo", spelling, key: "k2").text == ordered.text, "\(spelling)")
            }
            let bare = try await room.execute("fail", "{}", key: "k3")
            for spelling in [#"{"inputs":{}}"#, #"{"execution_id":null}"#] {
                #expect(try await room.execute("fail", spelling, key: "k3").text == bare.text, "\(spelling)")
            }
            let other = try await room.execute("echo", #"{"inputs":{"text":"twice"}}"#, key: "k1")
            #expect(other.status == 422 && other.text("code") == "idempotency_key_reused")
            #expect(other.text("execution_id") == first.text("execution_id"))
            let elsewhere = try await room.execute("fail", "{}", key: "k1")
            #expect(elsewhere.text("status") == "failed", "a key is a workflow's own: \(elsewhere.text)")
            let empty = try await room.execute("echo", body, key: String(repeating: "k", count: 257))
            #expect(empty.status == 400)
        }
    }

    @Test("an idempotency key is kept for seven days")
    func idempotencyKeyExpires() async throws {
        try await Room.with("echo") { room in
            let first = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#, key: "k")
            room.clock.advance(by: .seconds(7 * 86_400 - 1))
            let kept = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#, key: "k")
            #expect(kept.text("execution_id") == first.text("execution_id"))
            room.clock.advance(by: .seconds(1))
            let later = try await room.execute("echo", #"{"inputs":{"text":"b"}}"#, key: "k")
            #expect(later.status == 200)
            #expect(later.text("execution_id") != first.text("execution_id"))
        }
    }

    @Test("two starts with one key at the same moment are one execution")
    func idempotencyRace() async throws {
        try await Room.with("echo") { room in
            room.journal.holdCommits()
            let clients = [room.client, try await room.server.client()]
            let body = #"{"inputs":{"text":"a"}}"#
            for client in clients {
                try await client.send(
                    "POST", "/api/v1/workflows/echo/execute?wait=30s", headers: [("idempotency-key", "k")], body: body)
            }
            while room.journal.heldCommitCount < 2 { await Task.yield() }
            room.journal.releaseCommits()
            let replies = [try await clients[0].reply(), try await clients[1].reply()]
            #expect(replies.map(\.status) == [200, 200])
            #expect(replies[0].text("execution_id") == replies[1].text("execution_id"))
            #expect(room.steps.calls.count == 1)
        }
    }

    @Test("a given execution ID is used; again it answers for the first start, with other inputs it is refused")
    func givenIdentifier() async throws {
        try await Room.with("echo", "hold") { room in
            let given = room.identifier()
            let body = #"{"inputs":{"text":"a"},"execution_id":"\#(given)"}"#
            let first = try await room.execute("echo", body)
            #expect(first.text("execution_id") == given)
            let again = try await room.execute("echo", body)
            #expect(again.text == first.text && room.steps.calls.count == 1)
            let other = try await room.execute("echo", #"{"inputs":{"text":"b"},"execution_id":"\#(given)"}"#)
            #expect(other.status == 409 && other.text("code") == "execution_id_conflict")
            let elsewhere = try await room.execute("hold", #"{"inputs":{"text":"a"},"execution_id":"\#(given)"}"#)
            #expect(elsewhere.status == 409 && elsewhere.text("code") == "execution_id_conflict")
        }
    }

    @Test("a repeated start of a running execution waits for its end")
    func givenIdentifierRunning() async throws {
        try await Room.with("hold") { room in
            let body = #"{"execution_id":"\#(room.identifier())"}"#
            #expect(try await room.execute("hold", body, query: "").text("status") == "running")
            var held = room.steps.held.makeAsyncIterator()
            _ = await held.next()
            let other = try await room.server.client()
            try await other.send("POST", "/api/v1/workflows/hold/execute?wait=30s", body: body)
            room.steps.releaseAll()
            #expect(try await other.reply().text("status") == "completed")
        }
    }

    @Test(
        "a given execution ID must be of the last day and at most a minute ahead",
        arguments: [(-86_400, true), (-86_401, false), (60, true), (61, false)])
    func givenIdentifierWindow(offset: Int, isTaken: Bool) async throws {
        try await Room.with("echo") { room in
            let given = room.identifier(at: .seconds(offset))
            let reply = try await room.execute("echo", #"{"inputs":{"text":"a"},"execution_id":"\#(given)"}"#)
            #expect(reply.status == (isTaken ? 200 : 422), "\(reply.text)")
            if !isTaken { #expect(reply.faults == [["/execution_id", "invalid_execution_id"]]) }
        }
    }

    @Test("an unknown workflow is 404")
    func unknownWorkflow() async throws {
        try await Room.with { room in
            let reply = try await room.execute("nothing")
            #expect(reply.status == 404 && reply.text("code") == "unknown_workflow")
        }
    }

    @Test("everything wrong with inputs and body is said at once")
    func faults() async throws {
        try await Room.with("echo") { room in
            let inputs = try await room.execute("echo", #"{"inputs":{"text":1,"count":"x"}}"#)
            #expect(inputs.status == 422 && inputs.text("code") == "invalid_inputs")
            #expect(Set(inputs.faults) == [["/inputs/text", "type"], ["/inputs/count", "type"]])
            let body = try await room.execute("echo", #"{"inputs":[],"execution_id":"x","extra":1}"#)
            #expect(body.status == 422 && body.text("code") == "invalid_body")
            #expect(
                Set(body.faults) == [
                    ["/inputs", "type"], ["/execution_id", "invalid_execution_id"], ["/extra", "unknown_member"],
                ])
            #expect(try await room.execute("echo", "[]").text("code") == "invalid_body")
            #expect(try await room.execute("echo", "{").status == 400)
            #expect(room.steps.calls.isEmpty)
        }
    }

    @Test("a workflow whose function is not offered any more is not started")
    func functionUnavailable() async throws {
        try await Room.with("echo") { room in
            room.steps.withdraw("echo")
            let reply = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
            #expect(reply.status == 503 && reply.text("code") == "function_unavailable")
            #expect(reply.faults == [["/steps/0/function", "function_unavailable"]])
        }
    }

    @Test("a journal that refuses a start answers 503, and nothing of the start is left")
    func journalRefuses() async throws {
        try await Room.with("echo") { room in
            let body = #"{"inputs":{"text":"a"},"execution_id":"\#(room.identifier())"}"#
            room.journal.inject(.refuse(JournalError(.diskFull, "no room")))
            let refused = try await room.execute("echo", body, key: "k")
            #expect(refused.status == 503 && refused.text("code") == "journal_unavailable")
            #expect(refused.header("retry-after") != nil)
            #expect(room.steps.calls.isEmpty)
            #expect(try await room.get("/api/v1/executions").json["items"] == [])
            let later = try await room.execute("echo", body, key: "k")
            #expect(later.text("status") == "completed")
        }
    }

    @Test("a commit that is not answered is read back", arguments: [true, false])
    func unknownOutcome(isCommitted: Bool) async throws {
        try await Room.with("echo") { room in
            room.journal.inject(isCommitted ? .commitAndNotAnswer : .loseAndNotAnswer)
            let reply = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
            #expect(reply.text("status") == "completed")
            #expect(room.steps.calls.count == 1)
        }
    }

    @Test(
        "a start whose outcome cannot be read back at first is neither refused nor run twice",
        arguments: [true, false])
    func unreadableOutcome(isCommitted: Bool) async throws {
        try await Room.with("echo", configure: { $0.executions.appendPause = .milliseconds(1) }) { room in
            room.journal.inject(isCommitted ? .commitAndNotAnswer : .loseAndNotAnswer)
            room.journal.failRecords(Array(repeating: JournalError(.inputOutput, "the disk did not answer"), count: 3))
            let reply = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
            #expect(reply.text("status") == "completed", "\(reply.text)")
            #expect(room.steps.calls.count == 1)
        }
    }

    @Test("a start that a journal keeps with the digests of earlier builds is known again")
    func earlierDigests() async throws {
        try await Room.with("echo") { room in
            let given = room.identifier()
            let inputs = #"{"text":"a","count":1}"#
            let body = #"{"inputs":\#(inputs),"execution_id":"\#(given)"}"#
            let first = try await room.execute("echo", body)
            // As an earlier build would have stored it: the hashes of the JSON as it was written.
            let execution = try #require(ExecutionID(given))
            var summary = try #require(try await room.journal.summary(of: execution))
            summary.inputsDigest = ContentDigest.sha256(Array(inputs.utf8))
            let claim = IdempotencyClaim(
                key: "old", workflow: "echo", digest: ContentDigest.sha256(Array(body.utf8)), execution: execution,
                at: room.clock.now)
            let version = try await room.journal.records(of: execution, after: 0).count
            let request = AppendRequest(
                execution: execution, expectedVersion: version, records: [], summary: summary, idempotency: claim)
            let lease = try room.journal.takeLeaseOver()
            for result in await room.journal.append([request], lease: lease) { _ = try result.get() }

            #expect(try await room.execute("echo", body, key: "old").text == first.text)
            #expect(try await room.execute("echo", body).text == first.text)
            let other = #"{"inputs":{"text":"b"},"execution_id":"\#(given)"}"#
            #expect(try await room.execute("echo", other, key: "old").status == 422)
            #expect(try await room.execute("echo", other).status == 409)
        }
    }
}
