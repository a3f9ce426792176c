import Testing
import WebServing
import WebTesting
import WorkflowModel

@Suite("HTTP answers")
struct HTTPTests {
    private func serve(
        _ configuration: WebServerConfiguration = WebServerConfiguration(),
        body: (TestServer, TestClient) async throws -> Void
    ) async throws {
        try await TestServer.run(configuration, providers: [Routes()]) { server in
            try await body(server, try await server.client())
        }
    }

    @Test("a route's bytes arrive as they are, on one connection, with a request id each")
    func routes() async throws {
        try await serve { _, client in
            let first = try await client.request("GET", "/items/a%20b")
            #expect(first.status == 200)
            #expect(first.text == #"{"name":"a b","caller":"local"}"#)
            #expect(first.header("content-type") == "application/json")
            let second = try await client.request("GET", "/items/special")
            #expect(second.text == #"{"special":true}"#)
            #expect(first.header("x-request-id") != second.header("x-request-id"))
            #expect(try await client.request("DELETE", "/items/a").status == 204)
            let created = try await client.request("POST", "/items", body: #"{"b":1,"a":[]}"#)
            #expect(created.status == 201)
            #expect(created.text == #"{"b":1,"a":[]}"#)
            let head = try await client.request("HEAD", "/items/special")
            #expect(head.status == 200)
            #expect(head.header("content-length") == "16")
            #expect(try await client.request("GET", "/items/special").status == 200)
        }
    }

    @Test("an unknown path is 404, an empty or badly encoded segment too")
    func notFound() async throws {
        try await serve { _, client in
            for path in ["/nowhere", "/items/", "/items/a/b", "/items/%zz", "/items/%ff", "/"] {
                let reply = try await client.request("GET", path)
                #expect(reply.status == 404, "\(path)")
                #expect(reply.header("content-type") == "application/problem+json")
                #expect(try JSONValue(parsing: reply.body)["code"] == "not_found")
            }
        }
    }

    @Test("a wrong method is 405 and names the right ones")
    func methodNotAllowed() async throws {
        try await serve { _, client in
            let reply = try await client.request("POST", "/items/a", body: "{}")
            #expect(reply.status == 405)
            #expect(reply.header("allow") == "GET, HEAD, PUT, DELETE")
            #expect(try JSONValue(parsing: reply.body)["code"] == "method_not_allowed")
            #expect(try await client.request("PATCH", "/items").status == 405)
        }
    }

    @Test("bad JSON is 400 with line and column, another media type 415")
    func badJSON() async throws {
        try await serve { _, client in
            let reply = try await client.request("POST", "/items", body: "{\n  \"a\": nope}")
            #expect(reply.status == 400)
            let problem = try JSONValue(parsing: reply.body)
            #expect(problem["code"] == "invalid_json")
            let fault = problem["faults"]?.arrayValue?.first
            #expect(fault?["line"] == 2)
            #expect(fault?["column"] == 9)
            let form = try await client.request(
                "POST", "/items", headers: [("content-type", "text/plain; charset=utf-8")], body: "{}")
            #expect(form.status == 415)
            let json = try await client.request(
                "POST", "/items", headers: [("content-type", "application/JSON; charset=utf-8")], body: "{}")
            #expect(json.status == 201)
        }
    }

    @Test("a body over the limit is 413, told by its length or counted as it comes")
    func bodyLimit() async throws {
        try await serve(WebServerConfiguration(bodyBytesMax: 1000)) { server, client in
            #expect(try await client.request("POST", "/small", body: "12345678").text == "12345678")
            let overRoute = try await client.request("POST", "/small", body: "123456789")
            #expect(overRoute.status == 413)
            let chunked = try await server.client()
            try await chunked.send("POST", "/items", headers: [("transfer-encoding", "chunked")])
            let chunk = String(repeating: " ", count: 600)
            for _ in 0..<2 { try await chunked.write("258\r\n\(chunk)\r\n") }
            let reply = try await chunked.reply()
            #expect(reply.status == 413)
            #expect(try JSONValue(parsing: reply.body)["limit_bytes"] == 1000)
            // The length alone is enough: not a byte of the body was sent.
            let declared = try await server.client()
            try await declared.send("POST", "/items", headers: [("content-length", "1001")])
            #expect(try await declared.reply().status == 413)
        }
    }

    @Test("a problem carries its code, all faults, further members and headers")
    func problemShape() async throws {
        try await serve { _, client in
            let reply = try await client.request("GET", "/faulty")
            #expect(reply.status == 422)
            #expect(reply.header("retry-after") == "1")
            #expect(
                reply.text == #"{"type":"about:blank","title":"Unprocessable Content","status":422,"#
                    + #""code":"invalid_definition","detail":"two faults","faults":[{"path":"steps[0].with","line":3,"#
                    + #""column":7,"code":"unknown_reference","message":"no \"x\""},{"message":"no steps"}],"#
                    + #""workflow":"w"}"#)
        }
    }

    @Test("a handler's own error is a 500 that tells nothing of it")
    func internalError() async throws {
        try await serve { _, client in
            let reply = try await client.request("GET", "/broken")
            #expect(reply.status == 500)
            #expect(!reply.text.contains("Failure"))
            let problem = try JSONValue(parsing: reply.body)
            #expect(problem["code"] == "internal_error")
            #expect(problem["request_id"]?.stringValue == reply.header("x-request-id"))
        }
    }

    @Test("query parameters are checked, durations have a unit and a limit")
    func query() async throws {
        try await serve { _, client in
            for (query, milliseconds) in [("30s", 30_000), ("500ms", 500), ("1m", 60_000), ("0s", 0)] {
                let reply = try await client.request("GET", "/wait?wait=\(query)")
                #expect(reply.text == "{\"ms\":\(milliseconds)}", "\(query)")
            }
            #expect(try await client.request("GET", "/wait").text == "{\"ms\":-1}")
            for query in ["61s", "30", "-1s", "s", "1d", "99999999999999999999s", "9223372036854775807h"] {
                let reply = try await client.request("GET", "/wait?wait=\(query)")
                #expect(reply.status == 400, "\(query)")
                #expect(try JSONValue(parsing: reply.body)["code"] == "invalid_parameter")
            }
            #expect(try await client.request("GET", "/page?limit=500").text == "500")
            #expect(try await client.request("GET", "/page?limit=501").status == 400)
        }
    }

    @Test("a request that offers an upgrade nobody wants is answered as any other")
    func foreignUpgrade() async throws {
        try await serve { _, client in
            let headers = [("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c"), ("http2-settings", "AAMA")]
            let reply = try await client.request("GET", "/items/a", headers: headers)
            #expect(reply.status == 200)
            #expect(reply.header("connection") == "close")
            try await client.end()
        }
    }

    @Test("what is no HTTP is answered 400 and closed")
    func malformed() async throws {
        try await serve { _, client in
            try await client.write("NONSENSE\r\n\r\n")
            #expect(try await client.reply().status == 400)
            try await client.end()
        }
    }

    @Test("a client that does not finish its request in time is let go")
    func slowRequest() async throws {
        try await serve(WebServerConfiguration(requestTimeout: .milliseconds(50))) { server, client in
            // On a busy machine the server may be done with the client before the client has written.
            try? await client.write("GET /items/a HTT")
            try await client.end()
            let body = try await server.client()
            try? await body.send("POST", "/items", headers: [("content-length", "10")])
            try await body.end()
        }
    }

    @Test("a graceful shutdown closes idle connections and finishes requests under way")
    func shutdown() async throws {
        try await serve { server, client in
            let silent = try await server.client()
            _ = try await client.request("GET", "/items/a")
            // Answered connections are known to be accepted; the silent one came before.
            let busy = try await server.client()
            try await busy.send("POST", "/items", headers: [("content-length", "2")])
            _ = try await client.request("GET", "/items/a")
            await server.shutDown()
            try await client.end()
            try await silent.end()
            try await busy.write("{}")
            #expect(try await busy.reply().status == 201)
            try await busy.end()
        }
    }
}
