package import WebServing
package import WorkflowEngine
package import WorkflowModel

/// `GET /api/v1/functions`: what plugins offer, and which files did not load.
package struct FunctionRoutes: RouteProvider {
    private let catalog: any FunctionCatalog

    package init(catalog: any FunctionCatalog) { self.catalog = catalog }

    package func addRoutes(to router: inout WebRouter) {
        router.get("/api/v1/functions") { _ in .json(Self.json(catalog)) }
    }

    /// Shared with `stepstream plugin list`.
    package static func json(_ catalog: any FunctionCatalog) -> JSONValue {
        let items = catalog.plugins.map { plugin -> JSONValue in
            let functions = plugin.functions.map { function -> JSONValue in
                [
                    "name": .string("\(plugin.name).\(function.name)"),
                    "summary": function.summary.map { .string($0) } ?? nil, "input": function.input ?? nil,
                    "output": function.output ?? nil,
                ]
            }
            return [
                "plugin": .string(plugin.name), "version": .string(plugin.version), "sdk": .string(plugin.sdk),
                "sha256": .string(plugin.hash), "path": .string(plugin.path), "functions": .array(functions),
            ]
        }
        let failures = catalog.failures.map { failure -> JSONValue in
            [
                "path": .string(failure.path), "code": .string(failure.code), "message": .string(failure.message),
            ]
        }
        return ["items": .array(items), "next": nil, "failures": .array(failures)]
    }
}
