import Synchronization
package import WorkflowModel

/// What one part of a process says of itself.
package struct PartHealth: Sendable {
    /// Whether the part does its work; a degraded part is not dead.
    package var isHealthy: Bool
    /// Whether requests can be served with the part as it is.
    package var isReady: Bool
    /// For a person: what is wrong.
    package var detail: String?
    /// Figures for a person, such as a backlog.
    package var values: JSONObject

    package init(isHealthy: Bool, isReady: Bool = true, detail: String? = nil, values: JSONObject = JSONObject()) {
        self.isHealthy = isHealthy
        self.isReady = isReady
        self.detail = detail
        self.values = values
    }

    package static let ok = PartHealth(isHealthy: true)
}

/// Answers quickly from what the part knows; never does I/O that may hang.
package typealias HealthCheck = @Sendable () async -> PartHealth

/// The state of a process's parts: `GET /health` answers 200 as long as the process serves, `/health/ready` 503 until
/// every part is ready.
package final class HealthRegistry: RouteProvider {
    private let role: String
    private let checks = Mutex<[(part: String, check: HealthCheck)]>([])

    package init(role: String) { self.role = role }

    /// Adds a part; a second check of the same name replaces the first.
    package func register(_ part: String, _ check: @escaping HealthCheck) {
        checks.withLock { checks in
            checks.removeAll { $0.part == part }
            checks.append((part, check))
        }
    }

    package func addRoutes(to router: inout WebRouter) {
        router.get("/health", access: .everybody) { _ in .json(await self.report().body, headers: Self.headers) }
        router.get("/health/ready", access: .everybody) { _ in
            let report = await self.report()
            return .json(report.body, status: report.isReady ? 200 : 503, headers: Self.headers)
        }
    }

    private static let headers = [WebHeader("cache-control", "no-store")]

    private func report() async -> (isReady: Bool, body: JSONValue) {
        var parts = JSONObject()
        var isHealthy = true
        var isReady = true
        for (part, check) in checks.withLock({ $0 }) {
            let health = await check()
            isHealthy = isHealthy && health.isHealthy
            isReady = isReady && health.isReady
            var entry = JSONObject([("status", .string(health.isHealthy ? "ok" : "degraded"))])
            if !health.isReady { entry["ready"] = false }
            if let detail = health.detail { entry["detail"] = .string(detail) }
            for value in health.values { entry[value.key] = value.value }
            parts[part] = .object(entry)
        }
        return (
            isReady,
            .object(
                JSONObject([
                    ("status", .string(isHealthy ? "ok" : "degraded")), ("role", .string(role)),
                    ("ready", .bool(isReady)), ("parts", .object(parts)),
                ]))
        )
    }
}
