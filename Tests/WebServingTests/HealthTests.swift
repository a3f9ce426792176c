import Testing
import WebServing
import WebTesting
import WorkflowModel

@Suite("health")
struct HealthTests {
    @Test("health is 200 however the parts are, readiness waits for all of them")
    func health() async throws {
        let registry = HealthRegistry(role: "gateway")
        registry.register("bus") { PartHealth(isHealthy: false, isReady: false, detail: "connecting") }
        registry.register("memory") { PartHealth(isHealthy: true, values: JSONObject([("bytes", 12)])) }
        try await TestServer.run(providers: [registry]) { server in
            let client = try await server.client()
            let degraded = try await client.request("GET", "/health")
            #expect(degraded.status == 200)
            #expect(
                degraded.text == #"{"status":"degraded","role":"gateway","ready":false,"parts":{"bus":"#
                    + #"{"status":"degraded","ready":false,"detail":"connecting"},"memory":{"status":"ok","bytes":12}}}"#
            )
            #expect(try await client.request("GET", "/health/ready").status == 503)
            registry.register("bus") { .ok }
            let ready = try await client.request("GET", "/health/ready")
            #expect(ready.status == 200)
            #expect(try JSONValue(parsing: ready.body)["status"] == "ok")
        }
    }
}
