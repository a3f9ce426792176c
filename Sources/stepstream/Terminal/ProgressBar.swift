import WorkflowModel

/// A bar that is redrawn in place, with finished steps listed above it (ECMA-48 control sequences).
struct ProgressBar {
    static let width = 30
    private static let eraseLine = "\r\u{1B}[2K"

    private var running = ""

    /// What to write for the next event.
    mutating func take(_ event: JSONValue) -> String {
        let name = event["data"]?["step_name"]?.stringValue ?? ""
        var above: String?
        switch event["type"]?.stringValue {
        case "step_started": running = name
        case "step_completed":
            above = "  ✓ \(EventText.detail(event))"
            running = ""
        case "step_failed": above = "  ✗ \(EventText.detail(event))"
        case "step_skipped": above = "  – \(EventText.detail(event))"
        case "step_retrying": above = "  ↻ \(EventText.detail(event))"
        case "approval_requested", "approval_vote", "approval_escalated", "approval_granted", "approval_rejected",
            "approval_expired":
            above = "  ● \(event["type"]?.stringValue ?? "")  \(EventText.detail(event))"
        case "execution_failed", "execution_cancelled":
            above = "  \(event["type"]?.stringValue ?? "")  \(EventText.detail(event))"
        default: break
        }
        let progress = Int(event["progress"]?.intValue ?? 0)
        let filled = progress * Self.width / 100
        let drawn = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        let end = event["final"]?.boolValue == true ? "\n" : ""
        return Self.eraseLine + (above.map { $0 + "\n" } ?? "") + "  \(drawn) \(progress) %  \(running)" + end
    }
}
