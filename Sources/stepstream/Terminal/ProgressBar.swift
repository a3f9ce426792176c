import WorkflowModel

/// A bar that is redrawn in place, with finished steps listed above it (ECMA-48 control sequences).
struct ProgressBar {
    static let widthMax = 30
    static let eraseLine = "\r\u{1B}[2K"

    private var running = ""

    /// What to write for the next event.
    ///
    /// - Parameter columns: of the terminal. A bar that is wider than its line would not be erased as a whole, so its
    ///   line is cut; those above it may wrap.
    mutating func take(_ event: JSONValue, columns: Int) -> String {
        let name = event["data"]?["step_name"]?.stringValue ?? ""
        let detail = EventText.detail(event)
        var above: String?
        switch event["type"]?.stringValue {
        case "step_started": running = name
        case "step_completed":
            above = "  ✓ \(detail)"
            running = ""
        case "step_failed": above = "  ✗ \(detail)"
        case "step_skipped": above = "  – \(detail)"
        case "step_retrying": above = "  ↻ \(detail)"
        case "approval_requested", "approval_vote", "approval_escalated", "approval_granted", "approval_rejected",
            "approval_expired":
            above = "  ● \(event["type"]?.stringValue ?? "")  \(detail)"
        case "execution_failed", "execution_cancelled":
            above = "  \(event["type"]?.stringValue ?? "")  \(detail)"
        default: break
        }
        let progress = Int(event["progress"]?.intValue ?? 0)
        let end = event["final"]?.boolValue == true ? "\n" : ""
        return Self.eraseLine + (above.map { VisibleText.escaped($0) + "\n" } ?? "") + line(progress, columns) + end
    }

    private func line(_ progress: Int, _ columns: Int) -> String {
        let width = max(1, min(Self.widthMax, columns * 3 / 8))
        let filled = min(width, max(0, progress) * width / 100)
        let drawn = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        // Terminals wrap when the last column is taken.
        return DisplayWidth.cut("  \(drawn) \(progress) %  \(VisibleText.escaped(running))", columns: columns - 1)
    }
}
