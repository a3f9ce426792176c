package import WebServing
package import WorkflowEngine

/// `GET /api/v1/functions`: what plugins offer, and which files did not load.
package struct FunctionRoutes: RouteProvider {
    /// How long an answer waits for files still being looked at; then it names them as `loading`.
    private static let waitMax = Duration.seconds(10)

    private let catalog: any FunctionCatalog

    package init(catalog: any FunctionCatalog) { self.catalog = catalog }

    package func addRoutes(to router: inout WebRouter) {
        router.get("/api/v1/functions") { _ in
            // No plugin has the empty name, so this waits for all of them.
            try? await PluginWait(catalog: catalog, limit: Self.waitMax).wait(for: [""])
            return .json(CatalogJSON.json(catalog))
        }
    }
}
