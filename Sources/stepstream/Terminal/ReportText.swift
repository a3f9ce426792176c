import WorkflowModel

/// `stepstream show` for people.
enum ReportText {
    static func lines(_ report: JSONValue) -> [String] {
        var lines = [
            "\(text(report, "execution_id"))  \(text(report, "workflow")) revision \(text(report, "revision"))",
            "status \(text(report, "status"))  \(text(report, "progress")) %  risk \(text(report, "risk_score"))",
            "started \(text(report, "started_at"))  ended \(text(report, "ended_at"))",
        ]
        if let error = report["error"], !error.isNull {
            lines.append("error \(text(error, "message")) [\(text(error, "code"))]")
        }
        for step in report["steps"]?.arrayValue ?? [] {
            lines.append(
                "  \(text(step, "step_number")). \(text(step, "step_name"))  \(text(step, "function"))"
                    + "  \(text(step, "status"))")
            for attempt in step["attempts"]?.arrayValue ?? [] { lines += self.attempt(attempt) }
        }
        for approval in report["approvals"]?.arrayValue ?? [] { lines += self.approval(approval) }
        return lines
    }

    private static func approval(_ approval: JSONValue) -> [String] {
        let of = approval["step_name"]?.stringValue ?? "the release"
        var line = "  approval of \(of)  \(text(approval, "status"))"
        if let policy = approval["policy"]?.stringValue { line += " by \(policy)" }
        return [line] + (approval["votes"]?.arrayValue ?? []).map { vote in
            let comment = vote["comment"]?.stringValue.map { "  \($0)" } ?? ""
            return "       \(text(vote, "approver"))  \(text(vote, "decision"))\(comment)"
        }
    }

    private static func attempt(_ attempt: JSONValue) -> [String] {
        var line = "       attempt \(text(attempt, "attempt"))  \(text(attempt, "status"))"
        if attempt["execution_time_ms"]?.isNull == false { line += "  \(text(attempt, "execution_time_ms")) ms" }
        guard attempt["error_code"]?.isNull == false else { return [line] }
        var lines = [line + "  \(text(attempt, "error_message")) [\(text(attempt, "error_code"))]"]
        if let diagnostics = attempt["diagnostics"]?.stringValue {
            lines += diagnostics.split(separator: "\n").map { "         | \($0)" }
        }
        return lines
    }

    private static func text(_ value: JSONValue, _ key: String) -> String {
        guard let member = value[key], !member.isNull else { return "–" }
        return member.stringValue ?? member.encodedText
    }
}
