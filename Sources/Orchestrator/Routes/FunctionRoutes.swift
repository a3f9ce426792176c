package import WebServing
package import WorkflowEngine

/// `GET /api/v1/functions`: what plugins offer, and which files did not load.
package struct FunctionRoutes: RouteProvider {
    private let catalog: any FunctionCatalog

    package init(catalog: any FunctionCatalog) { self.catalog = catalog }

    package func addRoutes(to router: inout WebRouter) {
        router.get("/api/v1/functions") { _ in .json(CatalogJSON.json(catalog)) }
    }
}
