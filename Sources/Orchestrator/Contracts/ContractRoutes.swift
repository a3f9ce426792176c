package import WebServing
import WorkflowModel

/// `GET /openapi.json`, `GET /asyncapi.json` and `GET /schemas/*`: the contracts as documents, for editors, generators
/// and tests, none of which has a token. They say nothing of the installation.
package struct ContractRoutes: RouteProvider {
    package init() {}

    package func addRoutes(to router: inout WebRouter) {
        let openAPI = OpenAPIDocument.json.encoded
        router.get("/openapi.json", access: .everybody) { _ in .json(openAPI) }
        let asyncAPI = AsyncAPIDocument.json.encoded
        router.get("/asyncapi.json", access: .everybody) { _ in .json(asyncAPI) }
        let workflow = DefinitionReader.workflowSchema.encoded
        router.get("/schemas/workflow.json", access: .everybody) { _ in .schema(workflow) }
        let events = EventSchemas.all.encoded
        router.get("/schemas/events.json", access: .everybody) { _ in .schema(events) }
        for type in EventType.allCases {
            let schema = EventSchemas.schema(for: type).encoded
            router.get("/schemas/events/\(type.rawValue).json", access: .everybody) { _ in .schema(schema) }
        }
    }
}

extension WebResponse {
    fileprivate static func schema(_ encoded: [UInt8]) -> WebResponse {
        .bytes(encoded, type: "application/schema+json")
    }
}
