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
        let headline = QuotedText.oneLine(message.headline)
        let text = ([headline] + message.lines.flatMap(QuotedText.lines)).joined(separator: "\n")
        // Not `mrkdwn`: in it a reason could make links, headings and mentions.
        var blocks: [JSONValue] = [
            [
                "type": "section",
                "text": ["type": "plain_text", "emoji": false, "text": .string(cut(escaped(text), textMax))],
            ]
        ]
        let links = message.links.filter { $0.url.utf16.count <= urlMax }.prefix(buttonsMax)
        let buttons = links.map { link -> JSONValue in
            [
                "type": "button", "url": .string(link.url),
                "text": [
                    "type": "plain_text",
                    "text": .string(cut("Decide as \(QuotedText.oneLine(link.approver))", buttonTextMax)),
                ],
            ]
        }
        if !buttons.isEmpty { blocks.append(["type": "actions", "elements": .array(Array(buttons))]) }
        // What notifications and screen readers show.
        let body: JSONValue = [
            "text": .string(escaped(headline)), "mrkdwn": false, "blocks": .array(blocks),
            "unfurl_links": false, "unfurl_media": false,
        ]
        return body.encoded
    }

    /// The three characters that Slack acts on in any text.
    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }

    /// Slack limits UTF-16 code units, not characters: a family emoji is one character and eleven code units.
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
