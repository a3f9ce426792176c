import WorkflowModel

/// An event in words, for people.
enum EventText {
    /// `  33 %  step_completed       parse  12.4 ms`
    static func line(_ event: JSONValue) -> String {
        let progress = String(event["progress"]?.intValue ?? 0)
        let type = event["type"]?.stringValue ?? ""
        return pad(progress, left: 3) + " %  " + type + String(repeating: " ", count: max(1, 21 - type.count))
            + detail(event)
    }

    /// What there is to say beside the type.
    static func detail(_ event: JSONValue) -> String {
        guard let data = event["data"] else { return "" }
        var parts: [String] = []
        if let step = data["step_name"]?.stringValue { parts.append(step) }
        switch event["type"]?.stringValue {
        case "execution_started":
            parts.append("\(event["workflow"]?.stringValue ?? "") (\(data["total_steps"]?.intValue ?? 0) steps)")
        case "step_started":
            if let attempt = data["attempt"]?.intValue, attempt > 1 { parts.append("attempt \(attempt)") }
        case "execution_completed":
            parts.append("risk \(data["risk_score"]?.encodedText ?? "0")")
        case "approval_requested":
            let approvers = (data["approvers"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ", ")
            parts.append("\(data["reason"]?.stringValue ?? "")  approvers: \(approvers)")
        case "approval_vote":
            parts.append("\(data["approver"]?.stringValue ?? ""): \(data["decision"]?.stringValue ?? "")")
            if let comment = data["comment"]?.stringValue { parts.append(comment) }
        case "approval_granted", "approval_rejected", "approval_expired":
            parts.append("by \(data["decided_by"]?.stringValue ?? data["policy"]?.stringValue ?? "")")
            if let comment = data["comment"]?.stringValue { parts.append(comment) }
        case "approval_reminder", "approval_escalated":
            if let deadline = data["deadline_at"]?.stringValue { parts.append("until \(deadline)") }
        case "step_skipped", "execution_cancelled":
            if let reason = data["reason"]?.stringValue { parts.append(reason) }
        default: break
        }
        if let time = data["execution_time_ms"]?.encodedText { parts.append("\(time) ms") }
        if let message = data["error_message"]?.stringValue {
            parts.append("\(message) [\(data["error_code"]?.stringValue ?? "")]")
        }
        return parts.joined(separator: "  ")
    }

    private static func pad(_ text: String, left width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
