import WorkflowModel

/// A message as Slack's Block Kit shows it, with a button that leads to the decision.
enum SlackText {
    /// A section's text, in the units that Slack counts (UTF-16), and buttons in a block of actions, at the most (Block
    /// Kit reference).
    private static let textMax = 3000
    private static let buttonsMax = 25
    private static let buttonTextMax = 75
    private static let urlMax = 3000

    static func body(_ message: ApprovalMessage) -> [UInt8] {
        let lines = message.lines.map { "*\($0.name)*: \(escaped($0.value))" }
        let text = "*\(escaped(message.headline))*\n" + lines.joined(separator: "\n")
        var blocks: [JSONValue] = [
            ["type": "section", "text": ["type": "mrkdwn", "text": .string(cut(text, textMax))]]
        ]
        let links = message.links.filter { $0.url.utf16.count <= urlMax }.prefix(buttonsMax)
        let buttons = links.map { link -> JSONValue in
            [
                "type": "button", "url": .string(link.url),
                "text": ["type": "plain_text", "text": .string(cut("Decide as \(link.approver)", buttonTextMax))],
            ]
        }
        if !buttons.isEmpty { blocks.append(["type": "actions", "elements": .array(Array(buttons))]) }
        // What notifications and screen readers show.
        let body: JSONValue = [
            "text": .string(escaped(message.headline)), "blocks": .array(blocks),
            "unfurl_links": false, "unfurl_media": false,
        ]
        return body.encoded
    }

    /// The three characters that Slack's markup needs escaped; nothing else in a value may mention or link.
    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }

    /// What a person sees as one character may be many code units: an emoji of a family is eleven.
    private static func cut(_ text: String, _ most: Int) -> String {
        guard text.utf16.count > most else { return text }
        var left = most - 1
        var kept = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            left -= UTF16.width(scalar)
            if left < 0 { break }
            kept.append(scalar)
        }
        return String(kept) + "…"
    }
}
