import WorkflowModel

/// A message as Slack's Block Kit shows it, with a button that leads to the decision.
enum SlackText {
    /// Characters of a section's text, and buttons in a block of actions, at the most (Block Kit reference).
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
        let buttons = message.links.filter { $0.url.count <= urlMax }.prefix(buttonsMax).map { link -> JSONValue in
            [
                "type": "button", "url": .string(link.url),
                "text": ["type": "plain_text", "text": .string(cut("Decide as \(QuotedText.oneLine(link.approver))", buttonTextMax))],
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

    private static func cut(_ text: String, _ most: Int) -> String {
        text.count <= most ? text : text.prefix(most - 1) + "…"
    }
}
