import Testing
import WebTesting
import WorkflowModel

@Suite("definitions over HTTP")
struct DefinitionTests {
    @Test("every change is a revision, and all of them can be read")
    func revisions() async throws {
        try await Room.with("echo") { room in
            let source = try #require(Room.definitions["echo"])
            let changed = try await room.put("echo", source + "\n# changed")
            #expect(changed.status == 200 && changed.json["revision"] == 2)
            let same = try await room.put("echo", source + "\n# changed")
            #expect(same.status == 200 && same.json["revision"] == 2)
            let newest = try await room.get("/api/v1/workflows/echo").json
            #expect(newest["revision"] == 2 && newest["source"] == .string(source + "\n# changed"))
            let first = try await room.get("/api/v1/workflows/echo?revision=1").json
            #expect(first["revision"] == 1 && first["source"] == .string(source))
            let unknown = try await room.get("/api/v1/workflows/echo?revision=3")
            #expect(unknown.status == 404)
            #expect(unknown.text("detail") == "workflow echo has no revision 3; the newest is 2")
            #expect(try await room.get("/api/v1/workflows/echo?revision=0").status == 400)
        }
    }

    @Test("a revision is an entity tag, and a change is made only if what it demands holds")
    func conditions() async throws {
        try await Room.with { room in
            let source = try #require(Room.definitions["echo"])
            func change(_ method: String, _ header: (String, String)?, _ body: String? = nil) async throws
                -> TestClient.Reply
            {
                try await room.client.request(
                    method, "/api/v1/workflows/echo",
                    headers: [("content-type", "application/yaml")] + [header].compactMap { $0 }, body: body)
            }
            #expect(try await change("PUT", ("if-match", "*"), source).status == 412)
            let created = try await change("PUT", ("if-none-match", "*"), source)
            #expect(created.status == 201 && created.header("etag") == #""1""#)
            let exists = try await change("PUT", ("if-none-match", "*"), source + "\n# 2")
            #expect(exists.status == 412 && exists.text("code") == "precondition_failed")
            #expect(exists.header("etag") == #""1""#)
            for stale in [#""nope""#, #""0", "2""#, #"W/"1""#] {
                #expect(try await change("PUT", ("if-match", stale), source + "\n# 2").status == 412, "\(stale)")
                #expect(try await change("DELETE", ("if-match", stale)).status == 412, "\(stale)")
            }
            #expect(try await change("PUT", ("if-match", "nope"), source + "\n# 2").text("code") == "invalid_condition")
            let changed = try await change("PUT", ("if-match", #""7", "1""#), source + "\n# 2")
            #expect(changed.status == 200 && changed.header("etag") == #""2""#)
            // Two editors who read revision 2: one of them is told.
            let (first, second) = (try await room.server.client(), try await room.server.client())
            for (number, client) in [first, second].enumerated() {
                try await client.send(
                    "PUT", "/api/v1/workflows/echo",
                    headers: [("content-type", "application/yaml"), ("if-match", #""2""#)],
                    body: source + "\n# by \(number)")
            }
            #expect(Set([try await first.reply().status, try await second.reply().status]) == [200, 412])
            let read = try await room.get("/api/v1/workflows/echo")
            #expect(read.header("etag") == #""3""#)
            let known = try await change("GET", ("if-none-match", #"W/"3", "9""#))
            #expect(known.status == 304 && known.body.isEmpty && known.header("etag") == #""3""#)
            #expect(try await change("GET", ("if-match", #""2""#)).status == 412)
            #expect(try await change("GET", ("if-none-match", #""2""#)).status == 200)
            #expect(try await change("DELETE", ("if-match", #""3""#)).status == 204)
            #expect(try await change("DELETE", ("if-match", "*")).status == 404)
        }
    }

    @Test("a definition comes as YAML or JSON, under its own name")
    func formats() async throws {
        try await Room.with { room in
            let json = #"{"name":"j","deliverable_type":"t","steps":[{"name":"a","function":"test.echo"}]}"#
            let stored = try await room.put("j", json, type: "application/json; charset=utf-8")
            #expect(stored.status == 201 && stored.json["format"] == "json")
            #expect(try await room.put("j", json, type: "text/plain").status == 415)
            let other = try await room.put("k", json, type: "application/json")
            #expect(other.status == 422)
            #expect(try await room.get("/api/v1/workflows/k").status == 404)
        }
    }

    @Test("a definition's faults are told all at once, with line and column, and nothing is stored")
    func faults() async throws {
        try await Room.with { room in
            let source = """
                name: bad
                deliverable_type: text
                steps:
                  - name: a
                    function: test.nothing
                  - name: a
                    function: test.echo
                    timeout: soon
                """
            let reply = try await room.put("bad", source)
            #expect(reply.status == 422 && reply.text("code") == "invalid_definition")
            let faults = try #require(reply.json["faults"]?.arrayValue)
            #expect(Set(faults.compactMap { $0["line"]?.intValue }) == [5, 6, 8], "\(reply.text)")
            #expect(faults.allSatisfy { $0["column"]?.intValue ?? 0 > 0 && $0["message"]?.stringValue != nil })
            #expect(try await room.get("/api/v1/workflows/bad").status == 404)
        }
    }

    @Test("definitions are listed by name, in pages")
    func list() async throws {
        try await Room.with("hold", "echo", "fail") { room in
            let first = try await room.get("/api/v1/workflows?limit=2").json
            #expect(first["items"]?.arrayValue?.compactMap { $0["name"]?.stringValue } == ["echo", "fail"])
            let cursor = try #require(first["next"]?.stringValue)
            let rest = try await room.get("/api/v1/workflows?limit=2&cursor=\(cursor)").json
            #expect(rest["items"]?.arrayValue?.compactMap { $0["name"]?.stringValue } == ["hold"])
            #expect(rest["next"]?.isNull == true)
        }
    }

    @Test("a list refuses parameters that it does not know or that stand twice, all at once")
    func unknownParameters() async throws {
        try await Room.with("echo") { room in
            let wrong = try await room.get("/api/v1/workflows?limit=1&next=zzz&limit=2&sort=a")
            #expect(wrong.status == 400 && wrong.text("code") == "invalid_parameter")
            #expect(
                wrong.text("detail")
                    == #""next" is not known; limit is given twice; "sort" is not known; "#
                    + "the parameters here are limit, cursor")
            for path in ["executions?next=a", "approvals?state=a", "executions?status=failed&status=completed"] {
                #expect(try await room.get("/api/v1/\(path)").text("code") == "invalid_parameter", "\(path)")
            }
            #expect(try await room.get("/api/v1/executions?limit=1&status=failed&workflow=a&stuck=true").status == 200)
            let one = try await room.get("/api/v1/workflows/a?revison=1").text("detail")
            let start = try await room.execute("echo", query: "?wiat=1s")
            #expect(start.status == 400 && start.text("code") == "invalid_parameter")
            #expect(one == #""revison" is not known; the parameter here is revision"#)
        }
    }

    @Test("a deleted definition cannot be started, its executions can still be read")
    func delete() async throws {
        try await Room.with("echo") { room in
            let started = try await room.execute("echo", #"{"inputs":{"text":"a"}}"#)
            let execution = try #require(started.text("execution_id"))
            #expect(try await room.client.request("DELETE", "/api/v1/workflows/echo").status == 204)
            #expect(try await room.client.request("DELETE", "/api/v1/workflows/echo").status == 404)
            #expect(try await room.get("/api/v1/workflows/echo").status == 404)
            #expect(try await room.execute("echo", #"{"inputs":{"text":"a"}}"#).text("code") == "unknown_workflow")
            #expect(try await room.get("/api/v1/executions/\(execution)").json["status"] == "completed")
            let again = try await room.put("echo", try #require(Room.definitions["echo"]))
            #expect(again.status == 201)
            #expect(try await room.execute("echo", #"{"inputs":{"text":"a"}}"#).text("status") == "completed")
        }
    }
}
