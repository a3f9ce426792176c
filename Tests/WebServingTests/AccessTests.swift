import Logging
import Testing
import WebServing
import WebTesting
import WorkflowModel

@Suite("who may call")
struct AccessTests {
    @Test("an address beyond loopback is refused without --insecure", arguments: ["0.0.0.0", "::", "192.0.2.1", "host"])
    func insecure(host: String) throws {
        let error = #expect(throws: WebServingError.self) {
            try WebServer(
                configuration: WebServerConfiguration(host: host), providers: [],
                logger: .init(label: "test"))
        }
        #expect(error?.code == .insecureBind)
        #expect(error?.message.contains("--insecure") == true)
        _ = try WebServer(
            configuration: WebServerConfiguration(host: host, isInsecureAllowed: true), providers: [],
            logger: .init(label: "test"))
    }

    private static let tokens = (admin: "admin-token-0123456789", viewer: "viewer-token-0123456789")

    private static func configured() -> WebServerConfiguration {
        var directory = CallerDirectory()
        let added = [
            directory.add(Caller(name: "root", roles: [.admin]), token: tokens.admin),
            directory.add(Caller(name: "ann", groups: ["stewards"], roles: [.viewer]), token: tokens.viewer),
            directory.add(Caller(name: "eve", roles: []), token: tokens.admin),
        ]
        #expect(added == [true, true, false], "one token, one caller")
        return WebServerConfiguration(callers: directory)
    }

    @Test("with tokens configured every route but health asks for one, and each for its role")
    func tokens() async throws {
        let health = HealthRegistry(role: "test")
        try await TestServer.run(Self.configured(), providers: [Routes(), health]) { server in
            let client = try await server.client()
            func status(_ method: String, _ path: String, _ authorization: String?) async throws -> Int {
                let headers = authorization.map { [("authorization", $0)] } ?? []
                let body = method == "GET" ? "" : "{}"
                return try await client.request(method, path, headers: headers, body: body).status
            }
            for path in ["/health", "/health/ready"] { #expect(try await status("GET", path, nil) == 200) }
            for wrong in [nil, "Bearer ", "Bearer no", "Basic \(Self.tokens.admin)", Self.tokens.admin] {
                #expect(try await status("GET", "/items/a", wrong) == 401, "\(wrong ?? "none")")
            }
            #expect(try await status("GET", "/items/a", "Bearer \(Self.tokens.viewer)") == 200)
            #expect(try await status("POST", "/items", "Bearer \(Self.tokens.viewer)") == 403)
            #expect(try await status("POST", "/items", "bearer \(Self.tokens.admin)") == 201)
            let reply = try await client.request(
                "GET", "/items/a", headers: [("authorization", "Bearer \(Self.tokens.viewer)")])
            #expect(try JSONValue(parsing: reply.body)["caller"] == "ann")
            #expect(try await client.request("GET", "/items/a").header("www-authenticate") == "Bearer")
        }
        var beyond = Self.configured()
        beyond.host = "0.0.0.0"
        _ = try WebServer(configuration: beyond, providers: [], logger: .init(label: "test"))
    }

    @Test("reading takes a role, too: a group alone reads nothing")
    func readers() async throws {
        var directory = CallerDirectory()
        let tokens = [
            "group": "group-token-0123456789", "viewer": "viewer-token-0123456789", "operator": "operator-token-012345",
        ]
        _ = directory.add(Caller(name: "gil", groups: ["stewards"], roles: []), token: tokens["group"] ?? "")
        _ = directory.add(Caller(name: "vic", roles: [.viewer]), token: tokens["viewer"] ?? "")
        _ = directory.add(Caller(name: "ola", roles: [.operator]), token: tokens["operator"] ?? "")
        let streams = Streams()
        try await TestServer.run(WebServerConfiguration(callers: directory), providers: [Routes(), streams]) { server in
            for (name, status) in [("group", 403), ("viewer", 200), ("operator", 200)] {
                let headers = [("authorization", "Bearer \(tokens[name] ?? "")")]
                let client = try await server.client()
                let reply = try await client.request("GET", "/items/a", headers: headers)
                #expect(reply.status == status, "\(name)")
                #expect(try await client.request("HEAD", "/stream/a", headers: headers).status == status, "\(name)")
                let upgrade = try await server.client().upgrade("/stream/a", headers: headers)
                #expect(upgrade.status == (status == 200 ? 101 : 403), "\(name)")
                if status == 403 { #expect(try JSONValue(parsing: reply.body)["code"] == "role_required") }
            }
        }
    }

    @Test(
        "the developers' origin may call what listens on loopback, and nothing else",
        arguments: [
            ("127.0.0.1", true), ("localhost", true), ("[::1]", true), ("0.0.0.0", false), ("192.0.2.1", false),
        ])
    func originsDefault(host: String, isAllowed: Bool) {
        #expect(WebServerConfiguration.originsDefault(host: host) == (isAllowed ? ["http://localhost:5173"] : []))
    }

    @Test("on loopback a Host that is not this machine is refused, as after DNS rebinding")
    func host() async throws {
        try await TestServer.run(providers: [Routes()]) { server in
            let client = try await server.client()
            for host in ["localhost", "localhost:8000", "127.0.0.1", "[::1]:1", "LOCALHOST"] {
                let reply = try await client.request("GET", "/items/a", headers: [("host", host)])
                #expect(reply.status == 200, "\(host)")
            }
            for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "10.0.0.1"] {
                let reply = try await client.request("GET", "/items/a", headers: [("host", host)])
                #expect(reply.status == 421, "\(host)")
                #expect(try JSONValue(parsing: reply.body)["code"] == "host_refused")
            }
        }
    }

    @Test("pages of allowed origins may call, others may neither read nor write")
    func origins() async throws {
        try await TestServer.run(providers: [Routes()]) { server in
            let client = try await server.client()
            let allowed = [("origin", "http://localhost:5173")]
            let foreign = [("origin", "https://evil.example")]
            let own = [("origin", "http://127.0.0.1:\(server.port)")]
            let read = try await client.request("GET", "/items/a", headers: allowed)
            #expect(read.header("access-control-allow-origin") == "http://localhost:5173")
            #expect(read.header("vary") == "origin")
            #expect(try await client.request("GET", "/items/a", headers: foreign)
                .header("access-control-allow-origin") == nil)
            #expect(try await client.request("POST", "/items", headers: own, body: "{}").status == 201)
            #expect(try await client.request("POST", "/items", headers: allowed, body: "{}").status == 201)
            let refused = try await client.request("POST", "/items", headers: foreign, body: "{}")
            #expect(refused.status == 403)
            #expect(try JSONValue(parsing: refused.body)["code"] == "origin_refused")

            let preflight = [("access-control-request-method", "POST")]
            let yes = try await client.request("OPTIONS", "/items", headers: allowed + preflight)
            #expect(yes.status == 204)
            #expect(yes.header("access-control-allow-methods")?.contains("POST") == true)
            #expect(yes.header("access-control-allow-headers")?.contains("idempotency-key") == true)
            let no = try await client.request("OPTIONS", "/items", headers: foreign + preflight)
            #expect(no.header("access-control-allow-origin") == nil)
        }
    }

    @Test("the settings' origins replace the default")
    func configuredOrigins() async throws {
        let configuration = WebServerConfiguration(allowedOrigins: ["https://console.example"])
        try await TestServer.run(configuration, providers: [Routes()]) { server in
            let client = try await server.client()
            let own = try await client.request("GET", "/items/a", headers: [("origin", "https://console.example")])
            #expect(own.header("access-control-allow-origin") == "https://console.example")
            let seed = try await client.request("GET", "/items/a", headers: [("origin", "http://localhost:5173")])
            #expect(seed.header("access-control-allow-origin") == nil)
            // A proxy that shows the listener under that name may leave the name in the request.
            for (host, status) in [("console.example", 200), ("console.example:443", 200), ("evil.example", 421)] {
                #expect(
                    try await client.request("GET", "/items/a", headers: [("host", host)]).status == status, "\(host)")
            }
        }
    }
}
