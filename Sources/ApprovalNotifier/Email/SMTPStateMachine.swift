import FoundationEssentials

/// One message over one SMTP session (RFC 5321): the server's bytes in, what to do out. No I/O, no clock.
struct SMTPStateMachine: Sendable {
    enum Action: Hashable, Sendable {
        case send([UInt8])
        /// Begin TLS now, then call `secured`.
        case startTLS
        /// Close the connection; a QUIT was sent where one is due.
        case finish(DeliveryOutcome)
    }

    private enum State {
        case greeting, hello, startTLS, securing
        case authentication
        case password
        case sender
        case recipient(Int)
        case data, content
        case over
    }

    /// RFC 5321 has 512 bytes a line; servers send more.
    private static let bufferBytesMax = 8 << 10
    private static let replyLinesMax = 100
    private static let reasonMax = 1000

    private let mail: MailConfiguration
    private let content: [UInt8]
    private let secrets: [String]
    private var isSecure: Bool
    private var state = State.greeting
    private var buffer: [UInt8] = []
    private var reply: [String] = []
    /// Recipients that the server does not take, and what it said.
    private var refusals: [(address: String, code: Int, text: String)] = []

    /// - Parameters:
    ///   - content: headers and body, lines ended by CR LF.
    ///   - secrets: texts of it that stay out of an outcome's reason, which others may read, where the server quotes them.
    init(mail: MailConfiguration, content: [UInt8], secrets: [String] = []) {
        self.mail = mail
        self.content = content
        self.secrets = secrets
        isSecure = mail.security == .tls
    }

    mutating func received(_ bytes: some Sequence<UInt8>) -> [Action] {
        buffer += bytes
        var actions: [Action] = []
        while let end = buffer.firstIndex(of: 0x0A) {
            var line = buffer[..<end]
            if line.last == 0x0D { line.removeLast() }
            let text = String(decoding: line, as: UTF8.self)
            buffer.removeFirst(end + 1)
            actions += take(text)
            if case .over = state { return actions }
            if case .securing = state {
                // What came in the clear behind the consent would be taken for what comes in secret (CVE-2011-0411).
                return buffer.isEmpty ? actions : [fail("the server sent more than its consent to STARTTLS")]
            }
        }
        return buffer.count > Self.bufferBytesMax ? actions + [fail("a line of the server has no end")] : actions
    }

    /// TLS has begun: the session starts anew.
    mutating func secured() -> [Action] {
        guard case .securing = state else { return [] }
        isSecure = true
        return hello()
    }

    mutating func closed() -> [Action] {
        if case .over = state { return [] }
        return [fail("the server closed the connection")]
    }

    // MARK: replies

    private mutating func take(_ line: String) -> [Action] {
        let code = line.prefix(3)
        guard line.utf8.count >= 3, let number = Int(code), (200...599).contains(number) else {
            return [fail("the server does not speak SMTP")]
        }
        reply.append(String(line.dropFirst(4)))
        guard reply.count <= Self.replyLinesMax else { return [fail("a reply of the server has no end")] }
        if line.dropFirst(3).first == "-" { return [] }
        let lines = reply
        reply = []
        return answered(number, lines)
    }

    private mutating func answered(_ code: Int, _ lines: [String]) -> [Action] {
        if code == 421 { return quit(.failed(quotation(code, lines))) }
        switch (state, code) {
        case (.greeting, 220): return hello()
        case (.hello, 250): return afterHello(lines.dropFirst().map { $0.uppercased() })
        case (.startTLS, 220):
            state = .securing
            return [.startTLS]
        case (.authentication, 334):
            state = .password
            return send(base64(mail.login?.username))
        case (.password, 334): return send(base64(mail.login?.password))
        case (.authentication, 235), (.password, 235): return sender()
        case (.sender, 250): return recipient(0)
        case (.recipient(let index), 250), (.recipient(let index), 251): return recipient(index + 1)
        // One that is refused keeps the message from nobody else (RFC 5321 §3.3).
        case (.recipient(let index), 400...599):
            refusals.append((mail.recipients[index], code, quotation(code, lines)))
            return recipient(index + 1)
        case (.data, 354):
            state = .content
            return [.send(Self.stuffed(content))]
        case (.content, 250): return quit(refusals.isEmpty ? .delivered : left())
        default: return quit(refusal(code, lines))
        }
    }

    private mutating func afterHello(_ extensions: [String]) -> [Action] {
        if mail.security == .startTLS, !isSecure {
            guard extensions.contains("STARTTLS") else {
                return quit(.refused("the server offers no STARTTLS, and the settings ask for it"))
            }
            state = .startTLS
            return send("STARTTLS")
        }
        guard let login = mail.login else { return sender() }
        let mechanisms = extensions.first { $0.hasPrefix("AUTH ") }?.split(separator: " ").dropFirst() ?? []
        state = .authentication
        if mechanisms.contains("PLAIN") {
            return send("AUTH PLAIN \(base64("\u{0}\(login.username)\u{0}\(login.password)"))")
        }
        if mechanisms.contains("LOGIN") { return send("AUTH LOGIN") }
        return quit(.refused("the server offers neither AUTH PLAIN nor AUTH LOGIN"))
    }

    private mutating func hello() -> [Action] {
        state = .hello
        return send("EHLO \(mail.senderDomain)")
    }

    private mutating func sender() -> [Action] {
        state = .sender
        return send("MAIL FROM:<\(mail.from)>")
    }

    private mutating func recipient(_ index: Int) -> [Action] {
        guard index < mail.recipients.count else {
            guard refusals.count < mail.recipients.count else { return quit(left()) }
            state = .data
            return send("DATA")
        }
        state = .recipient(index)
        return send("RCPT TO:<\(mail.recipients[index])>")
    }

    private func send(_ line: String) -> [Action] { [.send(Array("\(line)\r\n".utf8))] }

    private mutating func quit(_ outcome: DeliveryOutcome) -> [Action] {
        state = .over
        return send("QUIT") + [.finish(outcome)]
    }

    private mutating func fail(_ reason: String) -> Action {
        state = .over
        return .finish(.failed(reason))
    }

    /// 4yz may pass, 5yz does not (RFC 5321 §4.2.1); what stands in no place of the dialogue may pass too.
    private func refusal(_ code: Int, _ lines: [String]) -> DeliveryOutcome {
        let text = quotation(code, lines)
        return Self.isFinal(code) ? .refused(text) : .failed(text)
    }

    private static func isFinal(_ code: Int) -> Bool { (500...599).contains(code) }

    private func quotation(_ code: Int, _ lines: [String]) -> String {
        let text = secrets.reduce(lines.joined(separator: " ")) { $0.replacing($1, with: "…") }
        return "the server answered \(code) \(text.prefix(200))"
    }

    /// What the refusals come to, for those that are refused.
    private func left() -> DeliveryOutcome {
        let reason = String(
            refusals.map { "\($0.address): \($0.text)" }.joined(separator: "; ").prefix(Self.reasonMax))
        let isFinal = refusals.allSatisfy { Self.isFinal($0.code) }
        if refusals.count < mail.recipients.count {
            return .partly(left: refusals.map(\.address), isFinal: isFinal, reason: reason)
        }
        return isFinal ? .refused(reason) : .failed(reason)
    }

    /// Lines that begin with a full stop get another one; the text ends with one alone (RFC 5321 §4.5.2).
    private static func stuffed(_ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(content.count + 64)
        var isLineStart = true
        for byte in content {
            if isLineStart, byte == UInt8(ascii: ".") { bytes.append(byte) }
            bytes.append(byte)
            isLineStart = byte == 0x0A
        }
        if !isLineStart { bytes += [0x0D, 0x0A] }
        return bytes + Array(".\r\n".utf8)
    }

    private func base64(_ text: String?) -> String { Data((text ?? "").utf8).base64EncodedString() }
}
