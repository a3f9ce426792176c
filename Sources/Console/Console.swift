package import WebServing

/// The pages for people, in a browser: static files, and the one document that stands at every page's address.
///
/// The pages hold nothing of an execution themselves: they ask the REST routes and streams of their own origin.
package struct Console: RouteProvider {
    /// No script, style or connection but from the page's own origin; no inline code.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

    private static let pages = ["/workflows", "/executions/{id}"]

    private static let files: [(path: String, type: String, bytes: [UInt8])] = [
        ("/client.js", "text/javascript", PackageResources.client_js),
        ("/client.d.ts", "text/plain", PackageResources.client_d_ts),
        ("/console/client.js", "text/javascript", PackageResources.client_js),
        ("/console/app.js", "text/javascript", PackageResources.app_js),
        ("/console/dom.js", "text/javascript", PackageResources.dom_js),
        ("/console/run.js", "text/javascript", PackageResources.run_js),
        ("/console/run-model.js", "text/javascript", PackageResources.run_model_js),
        ("/console/schema-form.js", "text/javascript", PackageResources.schema_form_js),
        ("/console/workflows.js", "text/javascript", PackageResources.workflows_js),
        ("/console/style.css", "text/css", PackageResources.style_css),
        ("/console/icon.svg", "image/svg+xml", PackageResources.icon_svg),
    ]

    package init() {}

    package func addRoutes(to router: inout WebRouter) {
        router.get("/", access: .everybody) { _ in
            WebResponse(status: 302, headers: [WebHeader("location", "/workflows")])
        }
        let document = StaticFile(type: "text/html", bytes: PackageResources.index_html)
        for page in Self.pages {
            router.get(page, access: .everybody) { request in
                try document.answer(request, headers: [WebHeader("content-security-policy", Self.policy)])
            }
        }
        for file in Self.files {
            let found = StaticFile(type: file.type, bytes: file.bytes)
            router.get(file.path, access: .everybody) { request in try found.answer(request) }
        }
    }
}
