import WebServing
import WorkflowModel

/// The few pages that a link leads to: plain HTML without scripts, so that any mail program's browser shows them.
enum ApprovalPage {
    static func isWanted(_ request: WebRequest) -> Bool { request.header("accept")?.contains("text/html") == true }

    /// What a page's form or a program sends, as one JSON object.
    static func body(of request: WebRequest) async throws(Problem) -> JSONValue {
        guard request.mediaType == "application/x-www-form-urlencoded" else { return try await request.json() }
        let text = String(validating: try await request.body(), as: UTF8.self)
        guard let text else { throw Problem(400, "invalid_encoding", "the form is not UTF-8") }
        let query = try WebQuery(text)
        var members = JSONObject()
        for name in ["decision", "comment"] {
            if let value = query[name], !value.isEmpty { members[name] = .string(value) }
        }
        if let form = query["form"], !form.isEmpty {
            do { members["form"] = try JSONValue(parsing: Array(form.utf8)) } catch { throw Problem(error) }
        }
        return .object(members)
    }

    static func question(_ approval: JSONValue, approver: String) -> WebResponse {
        var rows: [(String, String)] = [
            ("Workflow", text(approval["workflow"])), ("Execution", text(approval["execution_id"])),
            ("Reason", text(approval["reason"])), ("Risk", approval["risk_score"]?.encodedText ?? ""),
            ("You decide as", approver),
        ]
        if let step = approval["step_name"]?.stringValue { rows.insert(("Step", step), at: 1) }
        if let deadline = approval["deadline_at"]?.stringValue { rows.append(("Until", deadline)) }
        let table = rows.map { "<tr><th>\(escaped($0.0))</th><td>\(escaped($0.1))</td></tr>" }.joined()
        var form = ""
        if let schema = approval["form_schema"], !schema.isNull {
            form = """
                <p><label>Form, as JSON that fits <code>\(escaped(schema.encodedText))</code><br>
                <textarea name="form" rows="5" cols="60"></textarea></label></p>
                """
        }
        return page(
            "A decision is asked for",
            """
            <table>\(table)</table>
            <form method="post">
            <p><label>Comment<br><textarea name="comment" rows="3" cols="60"></textarea></label></p>
            \(form)
            <p><button name="decision" value="approve">Approve</button>
            <button name="decision" value="reject">Reject</button></p>
            </form>
            """)
    }

    static func thanks(_ approval: JSONValue) -> WebResponse {
        page(
            "Your decision is recorded", "<p>The approval is <strong>\(escaped(text(approval["status"])))</strong>.</p>"
        )
    }

    static func problem(_ problem: Problem) -> WebResponse {
        let faults = problem.faults.map { "<li>\(escaped($0.path ?? "")) \(escaped($0.message))</li>" }.joined()
        let text = "<p>\(escaped(problem.detail))</p><ul>\(faults)</ul>"
        // What was sent can be mended; the link is good.
        if problem.status == 400 || problem.status == 422 {
            return page(
                "Your decision is not recorded yet", text + "<p>Go back, correct it and send it again.</p>",
                status: problem.status)
        }
        return page("This link decides nothing", text, status: problem.status)
    }

    private static func page(_ title: String, _ body: String, status: Int = 200) -> WebResponse {
        let html = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>\(title) – Stepstream</title>
            <meta name="viewport" content="width=device-width">
            <style>body { font: 16px sans-serif; max-width: 44em; margin: 2em auto; padding: 0 1em }
            th { text-align: left; padding-right: 1em; vertical-align: top } button { font-size: 1em; padding: .4em 1em }
            </style></head><body><h1>\(title)</h1>
            \(body)
            </body></html>

            """
        return .bytes(
            Array(html.utf8), type: "text/html; charset=utf-8", status: status,
            headers: [
                // Tells no other site of the link; with `no-referrer` a browser would send the form without its origin.
                WebHeader("cache-control", "no-store"), WebHeader("referrer-policy", "same-origin"),
                WebHeader("x-content-type-options", "nosniff"),
                WebHeader(
                    "content-security-policy",
                    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"),
            ])
    }

    private static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "" }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}
