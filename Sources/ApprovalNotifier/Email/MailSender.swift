import NIOCore
import NIOSSL

/// Sends messages as mail, each over a session of its own.
struct MailSender: MessageSender {
    private let mail: MailConfiguration
    private let timeout: Duration
    private let resolver: AddressResolver
    private let tls: Result<NIOSSLContext, any Error>?

    init(mail: MailConfiguration, outgoing: NotifierConfiguration.Outgoing) {
        self.mail = mail
        timeout = outgoing.timeout
        resolver = AddressResolver(host: mail.host, port: mail.port, isPrivateAllowed: outgoing.isPrivateAllowed)
        guard mail.security != .plaintext else {
            tls = nil
            return
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorities = outgoing.authorities { configuration.trustRoots = .certificates(authorities.certificates) }
        let ready = configuration
        tls = Result { try NIOSSLContext(configuration: ready) }
    }

    func send(_ message: OutgoingMessage) async -> DeliveryOutcome {
        do {
            let text = try ApprovalMessage(encoded: message.body)
            var owed = mail
            if let left = message.recipients { owed.recipients.removeAll { !left.contains($0) } }
            guard !owed.recipients.isEmpty else {
                return .refused("the settings name none of the recipients that are left")
            }
            let machine = SMTPStateMachine(
                mail: owed, content: MailText.content(text, id: message.id, mail: mail),
                secrets: text.links.map(\.url))
            let tls = try tls?.get()
            return try await Deadline.run(within: timeout) { [mail, resolver, timeout] in
                let began = ContinuousClock.now
                let addresses = try await resolver.addresses()
                // A connect that hangs is not cancelled but runs out, so it has what the look-up has left.
                let left = max(timeout - (.now - began), .milliseconds(1))
                var place = 0
                while true {
                    let address = addresses[place]
                    place += 1
                    let session: SMTPConnection.Session
                    do throws(SMTPConnection.NotConnected) {
                        session = try await SMTPConnection.connect(
                            machine, mail: mail, tls: tls, address: address, timeout: left / addresses.count)
                    } catch {
                        if place == addresses.count { throw error.cause }
                        continue
                    }
                    resolver.prefer(address)
                    return try await session.end()
                }
            }
        } catch let error as NotifierError {
            return error.code == .name ? .failed("\(error)") : .refused("\(error)")
        } catch is Deadline.Passed {
            resolver.forget()
            return .failed("the session took longer than allowed")
        } catch {
            resolver.forget()
            return .failed(TransportFailure.text(of: error))
        }
    }

    func close() async {}
}
