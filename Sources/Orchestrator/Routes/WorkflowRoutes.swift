package import WebServing
package import WorkflowEngine
import WorkflowModel

/// `/api/v1/workflows`: definitions, by revision.
package struct WorkflowRoutes: RouteProvider {
    static let sourceBytesMax = 1 << 20

    private let definitions: Definitions
    private let clock: any WallClock

    package init(definitions: Definitions, clock: any WallClock) {
        self.definitions = definitions
        self.clock = clock
    }

    package func addRoutes(to router: inout WebRouter) {
        router.get("/api/v1/workflows") { try await list($0) }
        router.get("/api/v1/workflows/{name}") { try await show($0) }
        router.put("/api/v1/workflows/{name}", bodyBytesMax: Self.sourceBytesMax) { try await put($0) }
        router.delete("/api/v1/workflows/{name}") { try await delete($0) }
    }

    private func list(_ request: WebRequest) async throws -> WebResponse {
        let page = try Page(request)
        let after = try page.position { DefinitionNames.isWorkflowName($0) ? $0 : nil }
        let stored = try await definitions.list(after: after, limit: page.limit + 1)
        let items = stored.prefix(page.limit).map { definition -> JSONValue in
            [
                "name": .string(definition.name), "revision": .int(Int64(definition.revision)),
                "created_at": .string(definition.createdAt.description),
            ]
        }
        return .json(
            page.answer(items, hasMore: stored.count > page.limit, cursor: stored.prefix(page.limit).last?.name))
    }

    private func show(_ request: WebRequest) async throws -> WebResponse {
        try request.query.check(known: ["revision"])
        let revision = try request.query.int("revision", default: 0, in: 1...Int.max)
        let loaded = try await definitions.definition(
            named: request.pathParameter("name"), revision: revision == 0 ? nil : revision)
        let headers = [WebHeader("etag", Preconditions.tag(revision: loaded.stored.revision))]
        if try request.preconditions.isKnown(revision: loaded.stored.revision) { return .notModified(headers) }
        return .json(Self.json(loaded), headers: headers)
    }

    private func put(_ request: WebRequest) async throws -> WebResponse {
        let format: StoredDefinition.Format
        switch request.mediaType {
        case "application/json": format = .json
        case "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml": format = .yaml
        default:
            throw Problem(
                415, "unsupported_media_type",
                "send the definition as application/yaml or application/json, not \(request.mediaType ?? "unnamed")")
        }
        let preconditions = try request.preconditions
        let source = try await request.body()
        let (loaded, isCreated) = try await definitions.replace(
            source, format: format, name: request.pathParameter("name"), now: clock.now
        ) { try preconditions.check(revision: $0) }
        return .json(
            Self.json(loaded), status: isCreated ? 201 : 200,
            headers: [WebHeader("etag", Preconditions.tag(revision: loaded.stored.revision))])
    }

    private func delete(_ request: WebRequest) async throws -> WebResponse {
        let name = request.pathParameter("name")
        let preconditions = try request.preconditions
        guard try await definitions.delete(name, condition: { try preconditions.check(revision: $0) }) else {
            throw OrchestratorError(.unknownWorkflow, "workflow \(name) is not known")
        }
        return .noContent
    }

    private static func json(_ loaded: LoadedDefinition) -> JSONValue {
        let steps = loaded.definition.steps.map { step -> JSONValue in
            ["name": .string(step.name), "function": .string(step.action.description)]
        }
        return [
            "name": .string(loaded.stored.name), "revision": .int(Int64(loaded.stored.revision)),
            "deliverable_type": .string(loaded.definition.deliverableType),
            "created_at": .string(loaded.stored.createdAt.description),
            "format": .string(loaded.stored.format.rawValue),
            "source": .string(String(decoding: loaded.stored.source, as: UTF8.self)),
            "inputs": loaded.definition.inputs?.document ?? nil, "steps": .array(steps),
        ]
    }
}
