import Synchronization
import WebServing
import WorkflowModel

/// `/api/v1/notifier/…`: what is owed, what was given up, and the channels.
struct NotifierRoutes: RouteProvider {
    let notifier: ApprovalNotifier

    func addRoutes(to router: inout WebRouter) {
        router.get("/api/v1/notifier/channels") { _ in
            .json(["items": .array(try channels()), "next": .null])
        }
        router.post("/api/v1/notifier/channels/{channel}/enable") { request in
            let name = request.pathParameter("channel")
            guard !notifier.configuration.channels.isEmpty, try await notifier.session().enable(name) else {
                throw Problem(404, "unknown_channel", "the settings have no channel \(name)")
            }
            return .noContent
        }
        router.get("/api/v1/notifier/deliveries") { request in .json(try await deliveries(request)) }
        router.post("/api/v1/notifier/deliveries/{delivery}/resend") { request in
            try await resend(request.pathParameter("delivery"))
            return .noContent
        }
    }

    private func channels() throws(Problem) -> [JSONValue] {
        if notifier.configuration.channels.isEmpty { return [] }
        let standings = try notifier.session().state.withLock { $0.channels }
        return notifier.configuration.channels.map { channel in
            let standing = standings[channel.name]
            let kind =
                switch channel.kind {
                case .webhook: "webhook"
                case .slack: "slack"
                case .email: "email"
                }
            let failure = standing?.disabledReason ?? standing?.failure
            return [
                "name": .string(channel.name), "type": .string(kind),
                "status": .string(
                    standing?.disabledReason != nil ? "disabled" : standing?.failure != nil ? "failing" : "ok"),
                "detail": failure.map { .string($0) } ?? .null,
                "approvers": .array(channel.approvers.sorted().map { .string($0) }),
            ]
        }
    }

    /// A page in the order of the IDs, which is the cursor's.
    private func deliveries(_ request: WebRequest) async throws -> JSONValue {
        try request.query.check(known: ["limit", "cursor", "status"])
        let limit = try request.query.int("limit", default: 100, in: 1...500)
        let cursor = request.query["cursor"]
        guard cursor.map(Delivery.isID) ?? true else { throw Problem.invalidCursor }
        let after = cursor ?? ""
        let isDead: Bool
        switch request.query["status"] ?? "dead" {
        case "dead": isDead = true
        case "pending": isDead = false
        default: throw Problem.invalidParameter("status", "expected dead or pending")
        }
        if notifier.configuration.channels.isEmpty { return ["items": [], "next": .null] }
        let session = try notifier.session()
        var items: [(id: String, value: JSONValue)] = []
        if isDead {
            let ids = session.state.withLock { $0.dead.keys.filter { $0 > after }.sorted().prefix(limit + 1) }
            for id in ids { if let letter = try await session.letter(id) { items.append((id, letter.json)) } }
        } else {
            let pending = session.state.withLock { $0.outbox.pending() }
            items = pending.filter { $0.id > after }.sorted { $0.id < $1.id }.prefix(limit + 1).map {
                ($0.id, .object($0.json))
            }
        }
        let next = items.count > limit ? items[limit - 1].id : nil
        return [
            "items": .array(items.prefix(limit).map(\.value)), "next": next.map { .string($0) } ?? .null,
        ]
    }

    private func resend(_ id: String) async throws {
        let unknown = Problem(404, "unknown_delivery", "no dead letter has the ID \(id)")
        if notifier.configuration.channels.isEmpty { throw unknown }
        switch try await notifier.session().resend(id) {
        case .resent: break
        case .unknown: throw unknown
        case .settled:
            throw Problem(409, "approval_settled", "the approval is settled: nobody has to be asked any more")
        case .undeliverable(let reason): throw Problem(409, "not_deliverable", reason)
        }
    }
}
