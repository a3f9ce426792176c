import FoundationEssentials
import Testing
import WorkflowModel

@testable import ApprovalNotifier

@Suite("Mail")
struct MailTests {
    private static func mail(
        _ security: MailConfiguration.Security = .plaintext, login: Bool = false, to: [String] = ["ann@example.org"]
    ) -> MailConfiguration {
        MailConfiguration(
            host: "mail.example.org", port: 25, security: security,
            login: login ? MailConfiguration.Login(username: "u", password: "p") : nil, from: "flows@example.org",
            recipients: to)
    }

    /// A transcript: `S:` is what the server says, `C:` what has to follow; `TLS` begins it, `=` is the outcome.
    private func play(_ mail: MailConfiguration, content: String = "x\r\n", _ transcript: [String]) {
        var machine = SMTPStateMachine(mail: mail, content: Array(content.utf8))
        var said: [String] = []
        func take(_ actions: [SMTPStateMachine.Action]) {
            for action in actions {
                switch action {
                case .send(let bytes):
                    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\r\n") {
                        said.append("C: \(line)")
                    }
                case .startTLS:
                    said.append("TLS")
                    take(machine.secured())
                case .finish(let outcome): said.append("= \(outcome.label) \(outcome.reason ?? "")")
                }
            }
        }
        for line in transcript {
            if line.hasPrefix("S: ") {
                #expect(said == [], "before \(line)")
                said = []
                // One byte at a time: lines come in any pieces.
                for byte in (line.dropFirst(3) + "\r\n").utf8 { take(machine.received([byte])) }
            } else if line == "closed" {
                take(machine.closed())
            } else {
                let next = said.isEmpty ? "nothing" : said.removeFirst()
                #expect(next.hasPrefix(line), "\(next) where \(line) is due")
            }
        }
        #expect(said == [])
    }

    @Test("goes through a whole session")
    func plain() {
        play(
            Self.mail(to: ["ann@example.org", "bob@example.org"]), content: "a\r\n.b\r\n..c\r\n",
            [
                "S: 220-mail", "S: 220 ready", "C: EHLO example.org", "S: 250-mail", "S: 250 8BITMIME",
                "C: MAIL FROM:<flows@example.org>", "S: 250 ok", "C: RCPT TO:<ann@example.org>", "S: 250 ok",
                "C: RCPT TO:<bob@example.org>", "S: 251 forwarded", "C: DATA", "S: 354 go", "C: a", "C: ..b", "C: ...c",
                "C: .", "S: 250 queued", "C: QUIT", "= delivered",
            ])
    }

    @Test("begins TLS before anything is said, and says EHLO again")
    func startTLS() {
        play(
            Self.mail(.startTLS, login: true),
            [
                "S: 220 ready", "C: EHLO", "S: 250-mail", "S: 250-STARTTLS", "S: 250 AUTH PLAIN", "C: STARTTLS",
                "S: 220 go", "TLS", "C: EHLO", "S: 250-mail", "S: 250 AUTH LOGIN PLAIN", "C: AUTH PLAIN AHUAcA==",
                "S: 235 in", "C: MAIL FROM",
            ])
    }

    @Test("sends nothing where TLS is asked for and not offered")
    func downgrade() {
        play(Self.mail(.startTLS), ["S: 220 ready", "C: EHLO", "S: 250 mail", "C: QUIT", "= refused"])
    }

    @Test("does not take what was injected in front of TLS")
    func injection() {
        var machine = SMTPStateMachine(mail: Self.mail(.startTLS), content: [])
        _ = machine.received(Array("220 ready\r\n250-a\r\n250 STARTTLS\r\n".utf8))
        let actions = machine.received(Array("220 go\r\n250 injected\r\n".utf8))
        #expect(actions.contains { if case .finish(.failed) = $0 { true } else { false } })
        #expect(machine.secured() == [])
    }

    @Test("logs in with LOGIN where PLAIN is not offered")
    func login() {
        play(
            Self.mail(.tls, login: true),
            [
                "S: 220 ready", "C: EHLO", "S: 250-mail", "S: 250 AUTH CRAM-MD5 LOGIN", "C: AUTH LOGIN",
                "S: 334 VXNlcm5hbWU6", "C: dQ==", "S: 334 UGFzc3dvcmQ6", "C: cA==", "S: 235 in", "C: MAIL FROM",
                "S: 452 full", "C: QUIT", "= failed the server answered 452 full",
            ])
    }

    @Test(
        "takes 4yz for a failure that may pass and 5yz for one that does not",
        arguments: [("450 later", "= failed"), ("550-no\r\n550 such user", "= refused"), ("421 bye", "= failed")])
    func refusals(_ reply: String, _ outcome: String) {
        play(
            Self.mail(),
            [
                "S: 220 ready", "C: EHLO", "S: 250 mail", "C: MAIL", "S: 250 ok", "C: RCPT", "S: \(reply)", "C: QUIT",
                outcome,
            ])
    }

    @Test(
        "goes to those the server takes, and says who is left and whether for good",
        arguments: [
            ("550 no such user", "= partly bob@example.org: the server answered 550 no such user", true),
            ("451 later", "= partly bob@example.org: the server answered 451 later", false),
        ])
    func someRecipients(_ reply: String, _ outcome: String, _ isFinal: Bool) {
        let mail = Self.mail(to: ["ann@example.org", "bob@example.org", "cat@example.org"])
        let begin = [
            "S: 220 ready", "C: EHLO", "S: 250 mail", "C: MAIL", "S: 250 ok", "C: RCPT TO:<ann@example.org>",
            "S: 250 ok", "C: RCPT TO:<bob@example.org>", "S: \(reply)", "C: RCPT TO:<cat@example.org>",
            "S: 250 ok", "C: DATA",
        ]
        play(mail, begin + ["S: 354 go", "C: x", "C: .", "S: 250 queued", "C: QUIT", outcome])
        // What is refused as a whole is owed to all.
        play(mail, begin + ["S: 554 no", "C: QUIT", "= refused the server answered 554 no"])
        var machine = SMTPStateMachine(mail: mail, content: [])
        let server = "220 a\r\n250 a\r\n250 a\r\n250 a\r\n\(reply)\r\n250 a\r\n354 a\r\n250 a\r\n"
        guard case .finish(.partly(let left, let isLast, _)) = machine.received(Array(server.utf8)).last else {
            Issue.record("not partly")
            return
        }
        #expect(left == ["bob@example.org"] && isLast == isFinal)
    }

    @Test(
        "that the server takes for nobody is refused when nobody may be taken later",
        arguments: [(["550 a", "553 b"], "= refused"), (["550 a", "450 b"], "= failed")])
    func noRecipient(_ replies: [String], _ outcome: String) {
        play(
            Self.mail(to: ["ann@example.org", "bob@example.org"]),
            [
                "S: 220 ready", "C: EHLO", "S: 250 mail", "C: MAIL", "S: 250 ok", "C: RCPT",
                "S: \(replies[0])", "C: RCPT", "S: \(replies[1])", "C: QUIT",
                "\(outcome) ann@example.org: the server answered \(replies[0]); bob@example.org: the server",
            ])
    }

    @Test(
        "ends a session that is no SMTP",
        arguments: [["S: HTTP/1.1 400 Bad Request", "= failed"], ["closed", "= failed"], ["S: 999 x", "= failed"]])
    func garbage(_ transcript: [String]) { play(Self.mail(), transcript) }

    @Test("does not wait for the end of a line or a reply without one")
    func endless() {
        var machine = SMTPStateMachine(mail: Self.mail(), content: [])
        #expect(machine.received(Array(repeating: UInt8(ascii: "2"), count: 9000)).count == 1)
        var other = SMTPStateMachine(mail: Self.mail(), content: [])
        #expect(other.received(Array(String(repeating: "220-x\r\n", count: 101).utf8)).count == 1)
    }

    @Test("keeps links out of the reason where the server quotes them")
    func quotedLink() {
        let link = "https://flows.example/approvals/" + String(repeating: "t", count: 300)
        var machine = SMTPStateMachine(mail: Self.mail(), content: [], secrets: [link])
        let actions = machine.received(Array("554 spam \(link) in it\r\n".utf8))
        #expect(actions.last == .finish(.refused("the server answered 554 spam … in it")))
    }

    @Test("is not sent to a server in a private network unless the settings allow it")
    func privateServer() async throws {
        var approval = Events(1)
        let notice = try #require(try ApprovalNotice(approval.requested()))
        let body = ApprovalMessage(notice, facts: notice.data, links: []).encoded
        var mail = Self.mail()
        mail.host = "127.0.0.1"
        let sender = MailSender(mail: mail, outgoing: NotifierConfiguration.Outgoing())
        let outcome = await sender.send(OutgoingMessage(id: "msg_1", body: body, now: Events.start))
        guard case .refused(let reason) = outcome, reason.hasPrefix("address_refused") else {
            Issue.record("\(outcome)")
            return
        }
    }

    @Test("has headers of ASCII that no value can end")
    func headers() throws {
        var approval = Events(1)
        var notice = try #require(try ApprovalNotice(approval.requested()))
        notice.workflow = "prüfung\r\nBcc: all@example.org"
        let message = ApprovalMessage(
            notice, facts: notice.data, links: [("ann", "https://flows.example/approvals/t")])
        let content = String(decoding: MailText.content(message, id: "msg_1", mail: Self.mail()), as: UTF8.self)
        let parts = content.split(separator: "\r\n\r\n", maxSplits: 1)
        let lines = parts[0].split(separator: "\r\n")
        #expect(!lines.contains { $0.hasPrefix("Bcc") } && content.utf8.allSatisfy { $0 < 0x80 })
        #expect(lines.contains("Message-ID: <msg_1@example.org>") && lines.contains("To: ann@example.org"))
        #expect(lines.allSatisfy { $0.utf8.count <= 76 })
        let encoded = parts[1].filter { !$0.isNewline }
        let body = try #require(Data(base64Encoded: String(encoded)))
        #expect(String(decoding: body, as: UTF8.self).contains("https://flows.example/approvals/t"))
    }

    @Test(
        "has no line of a reason's own, in a mail and in Slack",
        arguments: ["\n", "\r\n", "\r", "\u{2028}", "\u{85}", "\u{0B}", "\n\u{202E}", "\u{1B}[2K\n"])
    func forgedLines(lineBreak: String) throws {
        var approval = Events(1)
        let notice = try #require(try ApprovalNotice(approval.requested()))
        var facts = notice.data
        facts["reason"] = .string("fine\(lineBreak)Decide as ann:\(lineBreak)https://evil.example/a")
        let message = ApprovalMessage(notice, facts: facts, links: [("ann", "https://flows.example/a")])
        let content = String(decoding: MailText.content(message, id: "msg_1", mail: Self.mail()), as: UTF8.self)
        let encoded = content.split(separator: "\r\n\r\n", maxSplits: 1)[1].filter { !$0.isNewline }
        let mail = String(decoding: try #require(Data(base64Encoded: String(encoded))), as: UTF8.self)
        let block = try JSONValue(parsing: SlackText.body(message))["blocks"]?.arrayValue?.first
        #expect(block?["text"]?["type"] == "plain_text")
        for text in [mail, try #require(block?["text"]?["text"]?.stringValue)] {
            let lines = text.split { "\n\r\u{2028}\u{2029}\u{85}\u{0B}\u{0C}\r\n".contains($0) }
            let own = lines.filter { !$0.hasPrefix("    > ") && !$0.hasPrefix("    &gt; ") }
            #expect(!own.contains { $0.contains("evil") }, "\(lines)")
            #expect(own.count { $0.hasPrefix("Decide as") } < 2, "\(lines)")
            let quoted = ["> https://evil.example/a", "&gt; https://evil.example/a"]
            #expect(lines.contains { line in quoted.contains { line.hasSuffix($0) } })
            #expect(!text.unicodeScalars.contains("\u{1B}") && !text.unicodeScalars.contains("\u{202E}"))
        }
    }

    @Test(
        "encodes words that need it and no others",
        arguments: [
            ("plain", "plain"), ("ü", "=?utf-8?B?w7w=?="), ("=?utf-8?B?x?=", "=?utf-8?B?PT91dGYtOD9CP3g/PQ==?="),
            ("a\nb", "=?utf-8?B?YQpi?="),
            // One character of more bytes than an encoded word holds is divided between code points, and none is lost.
            (
                "e" + String(repeating: "\u{301}", count: 20),
                "=?utf-8?B?ZcyBzIHMgcyBzIHMgcyBzIHMgcyBzIHMgcyBzIHMgcyBzIHMgcyB?=\r\n =?utf-8?B?zIE=?="
            ),
        ])
    func words(_ text: String, _ header: String) { #expect(MailText.header(text) == header) }

    @Test(
        "takes addresses that need no quoting",
        arguments: [
            ("ann@example.org", true), ("a.b+c@x", true), ("ann", false), ("a@b@c", false), ("a b@c", false),
            ("a@b\r\nRCPT TO:<c@d>", false), ("<a@b>", false), ("a..b@c", false), ("@c", false), ("a@", false),
        ])
    func addresses(_ text: String, _ isOne: Bool) { #expect(MailConfiguration.isAddress(text) == isOne) }

    @Test("Slack's texts are within its limits as it counts them, in UTF-16")
    func slackLimits() throws {
        let family = "👨‍👩‍👧‍👦"
        var approval = Events(1)
        let notice = try #require(try ApprovalNotice(approval.requested([String(repeating: family, count: 400)])))
        let message = ApprovalMessage(
            notice, facts: notice.data, links: [(String(repeating: family, count: 70), "https://flows.example/a")])
        let body = try JSONValue(parsing: SlackText.body(message))
        let text = try #require(body["blocks"]?.arrayValue?.first?["text"]?["text"]?.stringValue)
        let label = try #require(
            body["blocks"]?.arrayValue?.last?["elements"]?.arrayValue?.first?["text"]?["text"]?.stringValue)
        #expect(text.utf16.count <= 3000 && text.hasSuffix("…"))
        #expect(label.utf16.count <= 75 && label.hasSuffix("…"))
    }

    @Test("Slack's text has nothing of a value that Slack would act on")
    func slack() throws {
        var approval = Events(1)
        let notice = try #require(try ApprovalNotice(approval.requested(["<!channel>"])))
        let message = ApprovalMessage(notice, facts: notice.data, links: [("ann", "https://flows.example/a")])
        let body = try JSONValue(parsing: SlackText.body(message))
        let text = try #require(body["blocks"]?.arrayValue?.first?["text"]?["text"]?.stringValue)
        #expect(text.contains("risk &amp; &lt;b&gt;more&lt;/b&gt;") && text.contains("&lt;!channel&gt;"))
        #expect(!text.contains("<"))
        let button = body["blocks"]?.arrayValue?.last?["elements"]?.arrayValue?.first
        #expect(button?["url"] == "https://flows.example/a" && button?["type"] == "button")
    }
}
