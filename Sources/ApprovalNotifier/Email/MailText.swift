import FoundationEssentials
import WorkflowModel

/// A message as mail (RFC 5322, RFC 2045): headers of ASCII alone, the text in base64.
enum MailText {
    private static let subjectMax = 200
    /// RFC 2045 §6.8.
    private static let base64LineMax = 76
    private static let wordBytesMax = 39

    static func content(_ message: ApprovalMessage, id: String, mail: MailConfiguration) -> [UInt8] {
        let headers = [
            ("From", mail.from), ("To", mail.recipients.joined(separator: ",\r\n ")),
            ("Subject", header(String(message.headline.prefix(subjectMax)))),
            ("Date", InternetDate.mail(message.timestamp)),
            // The same over attempts: where it came twice a mail program may show it once.
            ("Message-ID", "<\(id)@\(mail.senderDomain)>"), ("Auto-Submitted", "auto-generated"),
            ("MIME-Version", "1.0"), ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "base64"),
        ]
        let head = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
        return Array("\(head)\r\n\(base64(text(message)))".utf8)
    }

    private static func text(_ message: ApprovalMessage) -> String {
        var text = QuotedText.oneLine(message.headline) + "\r\n\r\n"
        for line in message.lines.flatMap(QuotedText.lines) { text += line + "\r\n" }
        for link in message.links {
            text += "\r\nDecide as \(QuotedText.oneLine(link.approver)):\r\n\(link.url)\r\n"
        }
        return text
    }

    /// Printable ASCII as it is, anything else in encoded words (RFC 2047): a value never ends its header.
    static func header(_ text: String) -> String {
        // What looks like an encoded word would be decoded.
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), !text.contains("=?") { return text }
        var words: [String] = []
        var word: [UInt8] = []
        // 76 characters a line, the header's name included: 39 bytes are 52 of base64. A code point is not divided.
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if word.count + bytes.count > wordBytesMax, !word.isEmpty {
                words.append(encodedWord(word))
                word = []
            }
            word += bytes
        }
        words.append(encodedWord(word))
        return words.joined(separator: "\r\n ")
    }

    private static func encodedWord(_ bytes: [UInt8]) -> String { "=?utf-8?B?\(Data(bytes).base64EncodedString())?=" }

    private static func base64(_ text: String) -> String {
        let encoded = Array(Data(text.utf8).base64EncodedString())
        return stride(from: 0, to: encoded.count, by: base64LineMax).map { start in
            String(encoded[start..<min(start + base64LineMax, encoded.count)]) + "\r\n"
        }.joined()
    }
}
