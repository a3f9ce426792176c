package import WorkflowEngine
package import WorkflowModel

/// How plugins are written in answers; `stepstream plugin list --json` shows the same.
package enum CatalogJSON {
    /// `{"items": plugins, "next": null, "failures": files that did not load, "loading": files still looked at}`
    package static func json(_ catalog: any FunctionCatalog) -> JSONValue {
        let items = catalog.plugins.map { plugin -> JSONValue in
            let functions = plugin.functions.map { function -> JSONValue in
                [
                    "name": .string("\(plugin.name).\(function.name)"),
                    "summary": function.summary.map { .string($0) } ?? nil, "input": function.input ?? nil,
                    "output": function.output ?? nil,
                    "heartbeat_timeout_ms": function.heartbeatTimeout.map { .int($0.microseconds / 1000) } ?? nil,
                ]
            }
            return [
                "plugin": .string(plugin.name), "version": .string(plugin.version), "sdk": .string(plugin.sdk),
                "sha256": .string(plugin.hash), "path": .string(plugin.path), "functions": .array(functions),
                "confinement": plugin.confinement.map { confinement in
                    [
                        "measures": .array(confinement.measures.map { .string($0) }),
                        "landlock_abi": .int(Int64(confinement.landlockABI)),
                    ]
                } ?? nil,
            ]
        }
        let failures = catalog.failures.map { failure -> JSONValue in
            [
                "path": .string(failure.path), "code": .string(failure.code), "message": .string(failure.message),
            ]
        }
        return [
            "items": .array(items), "next": nil, "failures": .array(failures),
            "loading": .array(catalog.loading.map { .string($0) }),
        ]
    }
}
